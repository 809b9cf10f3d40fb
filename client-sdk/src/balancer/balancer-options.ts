import type { Breaker, BreakerState } from '../breaker/breaker.ts';
import type { Kept } from '../discovery/instance-changes.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';
import type { Endpoint } from './endpoint.ts';
import type { EjectionReason } from './health-monitor.ts';
import type { Subset } from './subset.ts';

export interface BalancerOptions {
  service: string;
  policy: ResolvedPolicy;
  /** Makes the breaker of a new endpoint; `onChange` tells of its changes of state. */
  createBreaker: (
    policy: ResolvedPolicy,
    onChange: (from: BreakerState, to: BreakerState) => void,
  ) => Breaker;
  /** Chooses the instances that are used; undefined: all are. */
  subset?: Subset | undefined;
  /** Where this client stands; empty: nowhere. */
  zone?: string;
  /** Told what becomes of endpoints, for whoever wants to know. */
  observer?: BalancerObserver;
  /** Counts attempts. */
  counter?: AttemptCounter | undefined;
  /** Monotonic time in ms. Default performance.now. */
  now?: () => number;
  /** Default Math.random. */
  random?: () => number;
  /** Runs a task when what is under way in this turn of the event loop is done. Default setImmediate. */
  defer?: (task: () => void) => void;
}

/** Who wants to know what becomes of endpoints. */
export interface BalancerObserver {
  breakerChanged(endpoint: Endpoint, from: BreakerState, to: BreakerState): void;
  ejected(endpoint: Endpoint, reason: EjectionReason, forMs: number): void;
  returned(endpoint: Endpoint): void;
}

/**
 * Who counts attempts. Called in every call: it must be cheap, and not throw. A path is like
 * `/user.v1.UserService/GetUser`; empty when not known.
 */
export interface AttemptCounter {
  /** An attempt is sent, at a monotonic time in ms; `isRetry`: it is not the first of its call. */
  started(endpoint: Endpoint, path: string, isRetry: boolean, startedAt: number): void;
  /** No instance can be picked for an attempt, and waiting does not help. */
  pickFailed(service: string, code: 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED'): void;
  /** An attempt has ended that was told of when it started. */
  count(
    endpoint: Endpoint,
    path: string,
    statusCode: number,
    durationMs: number,
    startedAt: number,
  ): void;
}

/** Where the balancer tells of changes: the transport adapter that uses it. */
export interface BalancerListener {
  /** The endpoint is listed: connect to it. */
  endpointAdded(endpoint: Endpoint): void;
  /** The endpoint is gone: close its connection when its calls have ended. */
  endpointRemoved(endpoint: Endpoint): void;
  /** The endpoint no longer answers: what may be asked elsewhere should be. */
  endpointStalled(endpoint: Endpoint): void;
  /**
   * Pings the process at the other end of the connection. `onAnswer` is called if its answer comes.
   * @returns false if no ping was sent
   */
  ping(endpoint: Endpoint, onAnswer: () => void): boolean;
  /** Which endpoints can be picked has changed. */
  picksChanged(): void;
}

/** What the balancer knows of the service's instances. */
export type Knowledge =
  | { readonly state: 'unknown' }
  | { readonly state: 'failed'; readonly message: string }
  | {
      readonly state: 'known';
      readonly revision: bigint;
      readonly at: number;
      /** Instances used though the registry no longer lists them; undefined for none. */
      readonly kept: Kept | undefined;
    };
