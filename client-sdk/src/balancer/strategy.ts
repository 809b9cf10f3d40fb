import type { Endpoint } from './endpoint.ts';

/**
 * Chooses among the endpoints that may take a call. The balancer tells it what changes, one endpoint
 * at a time; it keeps whatever makes the choice cheap. Called from one thread, never re-entered.
 */
export interface Strategy {
  /** `endpoint` may be picked from now on. */
  add(endpoint: Endpoint): void;
  /** `endpoint` may no longer be picked. Its calls in flight go on. */
  remove(endpoint: Endpoint): void;
  /**
   * Chooses one that is not `excluded`, undefined when there is none. O(1), plus one step for each
   * excluded endpoint met.
   */
  pick(isExcluded: (endpoint: Endpoint) => boolean): Endpoint | undefined;
  /** An attempt at `endpoint`, which was added, was picked; its in-flight count already says so. */
  started?(endpoint: Endpoint): void;
  /** An attempt at `endpoint`, which is still there, has ended; its in-flight count already says so. */
  ended?(endpoint: Endpoint): void;
}
