import type { BreakerSettings } from '../breaker/breaker.ts';

/** Retries of idempotent methods (gRFC A6): each at another instance, a jittered backoff apart. */
export interface RetryOptions {
  /** Attempts in all, 2 to 5, which is gRPC's cap. Default 3. */
  maxAttempts?: number;
  /** Wait before the second attempt, in ms, +-20 %. Default 20: an instance that fails fails fast. */
  initialBackoffMs?: number;
  /** Longest wait, in ms. Default 200. */
  maxBackoffMs?: number;
  /** Growth of the wait from attempt to attempt. Default 2. */
  backoffMultiplier?: number;
  /**
   * How long one attempt may take, in ms, before it is given up and another is made. Default none:
   * an attempt may take what is left of the deadline.
   */
  perTryTimeoutMs?: number;
}

/** Hedging of idempotent methods (gRFC A6): a second attempt before the first has answered. */
export interface HedgingOptions {
  /** Attempts in all, 2 to 5. Default 2. */
  maxAttempts?: number;
  /** How long to wait for an answer before the next attempt is made, in ms. No default. */
  delayMs: number;
}

/** Retry budget (gRFC A6, retry throttling): what keeps retries from becoming the outage. */
export interface RetryBudgetOptions {
  /** Failures cost one token each; below half of this nothing is retried. Default 100. */
  maxTokens?: number;
  /** What a success gives back, in tokens. Default 0.2: retries add at most a fifth. */
  tokenRatio?: number;
}

export interface BreakerOptions {
  /** Failures within 10 s at which it opens, if they are more than half of all outcomes. Default 5. */
  failures?: number;
  /** How long it stays open before one probe, in ms. Default 60,000. */
  resetMs?: number;
  /** How long a probe may take, in ms. Default 10,000. */
  probeTimeoutMs?: number;
}

/** Ejection of instances that fare worse than their siblings (gRFC A50, Envoy's outlier detection). */
export interface OutlierEjectionOptions {
  /** How often the instances are compared, in ms. Default 5000. */
  intervalMs?: number;
  /** Outcomes within an interval below which nothing is said of an instance. Default 5. */
  minRequests?: number;
  /**
   * Ejected when its success rate lies below the mean of all by this many standard deviations.
   * Default 1.9, as in Envoy.
   */
  stdevFactor?: number;
  /** Failures in a row at which it is ejected at once. Default 5. */
  consecutiveFailures?: number;
  /** First ejection, in ms; each further one in a row lasts as much longer. Default 10,000. */
  baseEjectionMs?: number;
  /** Longest ejection, in ms. Default 300,000. */
  maxEjectionMs?: number;
  /** Largest share of the instances ejected at a time, 0 to 0.5; one always may be. Default 0.5. */
  maxEjectedShare?: number;
}

/** Which instances of a large service this client uses at all (gRFC A68: rendezvous hashing). */
export interface SubsetOptions {
  /** Instances used. Default 50. */
  size?: number;
  /** Number of instances from which on a subset is used. Default 100. */
  from?: number;
}

/** What of a service's policy may differ from method to method. */
export interface MethodPolicy {
  /** Deadline of unary calls that come without one, in ms. Default: the service's. */
  defaultDeadlineMs?: number;
  /** Only for methods that the contract marks idempotent. Default: the service's. False: none. */
  retry?: RetryOptions | false;
  /** Only for methods that the contract marks idempotent; replaces retries. Default: the service's. */
  hedging?: HedgingOptions | false;
}

/** How calls to one service are made. Every field has a default. */
export interface ServicePolicy extends MethodPolicy {
  /** How calls are spread over the instances. Default `round_robin`: it needs no measurements. */
  strategy?: string;
  /** Request header that holds the key `consistent_hash` goes by. Default none. */
  hashHeader?: string;
  /** Deadline of unary calls that come without one, in ms. Default 2000. */
  defaultDeadlineMs?: number;
  /** Default: 3 attempts. */
  retry?: RetryOptions | false;
  /** Default: none; it costs calls. */
  hedging?: HedgingOptions | false;
  retryBudget?: RetryBudgetOptions;
  /** The circuit breaker of each instance. */
  breaker?: BreakerOptions;
  /** False: none. */
  outlierEjection?: OutlierEjectionOptions | false;
  /**
   * Share of usable instances, 0 to 1, below which ejections are ignored and breakers probed early:
   * when most are bad it is not the instances, and the rest would not carry the load. Default 0.5.
   */
  panicThreshold?: number;
  /** Calls of this client in flight at one instance; more go elsewhere. Default 1000. */
  maxInFlightPerInstance?: number;
  /** Calls of this client in flight to the service; more fail RESOURCE_EXHAUSTED. Default 10,000. */
  maxInFlight?: number;
  /** How long a new instance takes to get its full share, in ms; 0: none. Default 10,000. */
  slowStartMs?: number;
  /** False: every instance is used. */
  subset?: SubsetOptions | false;
  /**
   * Prefer instances of this client's own zone ($WEFT_ZONE, or the mesh's `zone`); calls spill over
   * in proportion when less than 70 % of its own zone's instances are usable. Default false.
   */
  preferZone?: boolean;
  /** By the method's name, `GetUser`. */
  methods?: Readonly<Record<string, MethodPolicy>>;
}

/** A method's policy with every default filled in; retry and hedging are undefined when off. */
export interface ResolvedMethodPolicy {
  readonly defaultDeadlineMs: number;
  readonly retry:
    | (Required<Omit<RetryOptions, 'perTryTimeoutMs'>> & Pick<RetryOptions, 'perTryTimeoutMs'>)
    | undefined;
  readonly hedging: Required<HedgingOptions> | undefined;
}

/** A policy with every default filled in, checked. */
export interface ResolvedPolicy extends ResolvedMethodPolicy {
  readonly strategy: string;
  readonly hashHeader: string | undefined;
  readonly retryBudget: Required<RetryBudgetOptions>;
  readonly breaker: BreakerSettings;
  readonly outlierEjection: Required<OutlierEjectionOptions> | undefined;
  readonly panicThreshold: number;
  readonly maxInFlightPerInstance: number;
  readonly maxInFlight: number;
  readonly slowStartMs: number;
  readonly subset: Required<SubsetOptions> | undefined;
  readonly preferZone: boolean;
  readonly methods: ReadonlyMap<string, ResolvedMethodPolicy>;
}
