import { ConfigError } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { PickRequest, Strategy, StrategyEnvironment, StrategyFactory } from './strategy.ts';

/**
 * A strategy that a program registered, with its faults kept to itself: what it throws, and a choice
 * that it was never given, are as good as no choice. Any endpoint is then taken, in turn.
 */
class GuardedStrategy implements Strategy {
  readonly isSticky: boolean;
  readonly #own: Strategy;
  readonly #endpoints = new Set<Endpoint>();
  readonly #name: string;
  #isWarned = false;

  constructor(name: string, own: Strategy) {
    this.#name = name;
    this.#own = own;
    this.isSticky = own.isSticky === true;
  }

  listed(endpoint: Endpoint): void {
    this.#try(() => this.#own.listed?.(endpoint));
  }

  unlisted(endpoint: Endpoint): void {
    this.#try(() => this.#own.unlisted?.(endpoint));
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
    this.#try(() => this.#own.add(endpoint));
  }

  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
    this.#try(() => this.#own.remove(endpoint));
  }

  weightChanged(endpoint: Endpoint): void {
    this.#try(() => this.#own.weightChanged?.(endpoint));
  }

  pick(request: PickRequest): Endpoint | undefined {
    const picked = this.#try(() => this.#own.pick(request));
    if (picked !== undefined && this.#endpoints.has(picked)) return picked;
    for (const endpoint of this.#endpoints) {
      if (request.isExcluded(endpoint)) continue;
      // The next call gets the next one.
      this.#endpoints.delete(endpoint);
      this.#endpoints.add(endpoint);
      return endpoint;
    }
    return undefined;
  }

  started(endpoint: Endpoint): void {
    this.#try(() => this.#own.started?.(endpoint));
  }

  ended(endpoint: Endpoint): void {
    this.#try(() => this.#own.ended?.(endpoint));
  }

  #try<T>(task: () => T): T | undefined {
    try {
      return task();
    } catch (error) {
      // A program's own fault must not end its process out of the middle of gRPC; it is told once.
      if (!this.#isWarned) process.emitWarning(`strategy ${this.#name} threw: ${String(error)}`);
      this.#isWarned = true;
      return undefined;
    }
  }
}

/** Makes strategies of a program's own. @throws ConfigError when the factory makes something else */
export function guarded(name: string, factory: StrategyFactory): StrategyFactory {
  return (environment: StrategyEnvironment) => {
    const own: Partial<Strategy> | undefined = factory(environment);
    for (const method of ['add', 'remove', 'pick'] as const) {
      if (typeof own?.[method] !== 'function') {
        throw new ConfigError(`strategy ${name}`, `made with the method ${method}`, typeof own);
      }
    }
    return new GuardedStrategy(name, own as Strategy);
  };
}
