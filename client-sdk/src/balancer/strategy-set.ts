import type { Endpoint } from './endpoint.ts';
import { createStrategy } from './strategies.ts';
import type { Strategy, StrategyEnvironment } from './strategy.ts';

/** The strategies of one service: its own, and those that call sites asked for. */
export class StrategySet {
  readonly byKey = new Map<string, Strategy>();
  /** The same as a list: each call notifies all of them twice. */
  readonly #all: Strategy[] = [];
  readonly #environment: StrategyEnvironment;

  constructor(environment: StrategyEnvironment) {
    this.#environment = environment;
  }

  /** @param introduce called with a strategy that is new, before it is in the set */
  of(key: string, introduce: (strategy: Strategy) => void): Strategy {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const strategy = createStrategy(key, this.#environment);
    introduce(strategy);
    this.byKey.set(key, strategy);
    this.#all.push(strategy);
    return strategy;
  }

  /** An attempt at `endpoint`, which can be picked, was picked. */
  started(endpoint: Endpoint): void {
    for (const strategy of this.#all) strategy.started?.(endpoint);
  }

  /** An attempt at `endpoint`, which can be picked, has ended. */
  ended(endpoint: Endpoint): void {
    for (const strategy of this.#all) strategy.ended?.(endpoint);
  }
}
