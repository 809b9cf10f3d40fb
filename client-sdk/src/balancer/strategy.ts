import type { Endpoint } from './endpoint.ts';

/** What a strategy may know of the call it chooses an endpoint for. */
export interface PickRequest {
  /** Whether `endpoint` must not be chosen: an attempt of this call went there already. */
  isExcluded(endpoint: Endpoint): boolean;
  /** What `consistent_hash` goes by; undefined when the call came without a key. */
  readonly hashKey: string | undefined;
}

/**
 * Chooses among the endpoints that may take a call. The balancer tells it what changes, one endpoint
 * at a time; it keeps whatever makes the choice cheap. Called from one thread, never re-entered.
 */
export interface Strategy {
  /**
   * Whether it binds calls to endpoints by their key: a new endpoint then gets its share at once, and
   * every client uses all instances of the service, not a subset.
   */
  readonly isSticky?: boolean;
  /**
   * The registry lists `endpoint` for calls (RUNNING, with weight), whether or not it can be picked now.
   * Told before it is first added, and again when a draining one is taken back.
   */
  listed?(endpoint: Endpoint): void;
  /** The registry no longer lists `endpoint` for calls. Told after it was removed for that. */
  unlisted?(endpoint: Endpoint): void;
  /** `endpoint` may be picked from now on. */
  add(endpoint: Endpoint): void;
  /** `endpoint`, which was added, may no longer be picked. Its calls in flight go on. */
  remove(endpoint: Endpoint): void;
  /** The weight of `endpoint`, which was added, has changed. */
  weightChanged?(endpoint: Endpoint): void;
  /**
   * Chooses one that `request` does not exclude, undefined when there is none. O(1) or O(log n), plus
   * one step for each excluded endpoint met.
   */
  pick(request: PickRequest): Endpoint | undefined;
  /** An attempt at `endpoint`, which was added, was picked; its in-flight count already says so. */
  started?(endpoint: Endpoint): void;
  /** An attempt at `endpoint`, which is still there, has ended; its in-flight count already says so. */
  ended?(endpoint: Endpoint): void;
}

/** What a strategy is made with: the clock and the randomness it goes by. */
export interface StrategyEnvironment {
  /** Zone of this client, for those that prefer it; empty or undefined: none. */
  zone?: string | undefined;
  /** Monotonic time in ms. */
  now: () => number;
  /** A number from 0 up to, not including, 1. */
  random: () => number;
}

/** Makes a strategy: one for each service, and one for each call site that asks for another. */
export type StrategyFactory = (environment: StrategyEnvironment) => Strategy;
