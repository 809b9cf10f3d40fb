import type { SizeLimits } from '@weft/proto';
import type { StrategyName } from '../balancer/strategies.ts';
import type { BreakerSettings } from '../breaker/breaker.ts';

/** Retries of idempotent methods (gRFC A6): each at another instance, a jittered backoff apart. */
export interface RetryOptions {
  /** Attempts in all, 2 to 5, which is gRPC's cap. Default 3: one more survives a rolling restart. */
  maxAttempts?: number;
  /** Wait before the second attempt, +-20 %. Default 20: an instance that fails fails fast. */
  initialBackoffMs?: number;
  /** Longest wait, at least `initialBackoffMs`. Default 200: a tenth of the default deadline. */
  maxBackoffMs?: number;
  /** Growth of the wait from attempt to attempt, 1 to 10. Default 2. */
  backoffMultiplier?: number;
  /**
   * How long one attempt may take before it is given up and another is made. Default none: an attempt
   * may take what is left of the deadline, as a slow answer costs less than a second call.
   */
  perTryTimeoutMs?: number;
}

/**
 * Hedging of idempotent methods (gRFC A6): another attempt before the first has answered. It takes
 * the place of retries while it is on: a level that sets it silences the retries of the levels above,
 * a level that sets `retry` switches hedging off. Both on one level are refused.
 */
export interface HedgingOptions {
  /** Attempts in all, 2 to 5. Default 2: a third helps little and costs as much. */
  maxAttempts?: number;
  /**
   * How long to wait for an answer before the next attempt is made. No default: what pays is about the
   * method's 95th percentile, which only its user knows.
   */
  delayMs: number;
}

/**
 * Retry budget (Finagle's `RetryBudget`): what keeps retries from becoming the outage. Counted over the
 * last 10 s, hedges too.
 */
export interface RetryBudgetOptions {
  /** Retries allowed for each call, 0 to 1. Default 0.2: retries add at most a fifth. */
  ratio?: number;
  /** Retries a second allowed besides, 0 to 1000. Default 10: rare calls are retried too. */
  minPerSecond?: number;
}

/** The circuit breaker of each instance. */
export interface BreakerOptions {
  /** Failures within 10 s at which it opens, if they are more than half of all outcomes. Default 5. */
  failures?: number;
  /** How long it stays open before one probe. Default 60,000: a restart takes less. */
  resetMs?: number;
  /** How long a probe may take. Default 10,000: one that hangs would keep it half-open for ever. */
  probeTimeoutMs?: number;
}

/** Ejection of instances that fare worse than their siblings (gRFC A50, Envoy's outlier detection). */
export interface OutlierEjectionOptions {
  /** How often the instances are compared. Default 5000. */
  intervalMs?: number;
  /**
   * Outcomes within an interval below which nothing is said of an instance. Default 5: Envoy's 100 is
   * never reached by a client of modest traffic.
   */
  minRequests?: number;
  /**
   * Ejected when its success rate lies below the mean of all by this many standard deviations, 0.1 to
   * 10. Default 1.9, as in Envoy.
   */
  stdevFactor?: number;
  /** Failures in a row at which it is ejected at once. Default 5. */
  consecutiveFailures?: number;
  /** First ejection; each further one in a row lasts as much longer. Default 10,000. */
  baseEjectionMs?: number;
  /** Longest ejection, at least `baseEjectionMs`. Default 300,000. */
  maxEjectionMs?: number;
  /**
   * Largest share of the instances ejected at a time, 0 to 0.5; one always may be. Default 0.5: more
   * would be an outage of our own making.
   */
  maxEjectedShare?: number;
}

/** Which instances of a large service this client uses at all (gRFC A68: rendezvous hashing). */
export interface SubsetOptions {
  /** Instances used, at most `from`. Default 50: a few may fail, and the load stays even. */
  size?: number;
  /** Number of instances from which on a subset is used. Default 100: fewer connections are cheap. */
  from?: number;
}

/**
 * What of a service's policy may differ from method to method. The limits of `SizeLimits` hold for one
 * message, and for the metadata at one end of a call.
 */
export interface MethodPolicy extends Partial<SizeLimits> {
  /** Deadline of unary calls that come without one. Default: the service's. */
  defaultDeadlineMs?: number;
  /** Only for methods that the contract marks idempotent. Default: the service's. False: none. */
  retry?: RetryOptions | false;
  /** Only for methods that the contract marks idempotent. Default: the service's. False: none. */
  hedging?: HedgingOptions | false;
}

/**
 * How calls to one service are made: set in code (`createMesh`, `mesh.configure`) or in weft.yaml, the
 * same fields everywhere; a call site may set those of `SitePolicy`. Times are in ms, from 1 to a day
 * where nothing else is said.
 *
 * Every field has a default, and four levels stand over each other, field by field: Weft's defaults,
 * the mesh's for every service, a service's own, a method's. Within a group such as `retry` too: a
 * service that sets only `retry.maxAttempts` keeps the mesh's backoff. `false` switches a group off;
 * set again further down, it starts from Weft's defaults. Where the inherited half of a pair does not
 * fit the half that is set (an `initialBackoffMs` of 500 under a `maxBackoffMs` of 200), the inherited
 * one is moved to it.
 */
export interface ServicePolicy extends MethodPolicy {
  /**
   * How calls are spread over the instances: a strategy of Weft's, or one that this process registered
   * before. Default `round_robin`: it needs no measurements.
   */
  strategy?: StrategyName | (string & Record<never, never>);
  /** Request header, lower case, that holds the key `consistent_hash` goes by. Default none. */
  hashHeader?: string;
  /** Deadline of unary calls that come without one. Default 2000: none would wait for ever. */
  defaultDeadlineMs?: number;
  /** Of every method that the contract marks idempotent. Default: 3 attempts. False: none. */
  retry?: RetryOptions | false;
  /** Of every method that the contract marks idempotent. Default: none, as it costs calls. */
  hedging?: HedgingOptions | false;
  retryBudget?: RetryBudgetOptions;
  breaker?: BreakerOptions;
  /** False: none. */
  outlierEjection?: OutlierEjectionOptions | false;
  /**
   * Share of usable instances, 0 to 1, below which ejections are ignored and breakers probed early:
   * when most are bad it is not the instances, and the rest would not carry the load. 0: never.
   * Default 0.5.
   */
  panicThreshold?: number;
  /**
   * Calls of this client in flight at one instance; more go elsewhere. Default 1000: an instance that
   * holds as many answers none in time.
   */
  maxInFlightPerInstance?: number;
  /**
   * Calls of this client in flight to the service; more fail RESOURCE_EXHAUSTED at once. Default
   * 10,000: before the caller runs out of memory.
   */
  maxInFlight?: number;
  /** How long a new instance takes to get its full share; 0: none. Default 10,000: caches, JIT. */
  slowStartMs?: number;
  /**
   * False: every instance is used. So it is, for good, once the service or a call site goes by a sticky
   * strategy (`consistent_hash`): every client must find the instance that a key belongs to.
   */
  subset?: SubsetOptions | false;
  /**
   * Prefer instances of this client's own zone ($WEFT_ZONE, or the mesh's `zone`); calls spill over
   * in proportion when less than 70 % of its own zone's instances are usable. Default false: in a
   * zone with few instances it would bundle the load.
   */
  preferZone?: boolean;
  /** By the method's name in the contract, `GetUser` (or `getUser`). */
  methods?: Readonly<Record<string, MethodPolicy>>;
}

/**
 * What one call site may do otherwise than the policy of its service (`mesh.client`, `mesh.channel`).
 * It stands over what code says of the service, under what the environment and `mesh.configure` say.
 * The other fields are about what the sites of a service share: its instances, with their breakers,
 * statistics and calls in flight, and its retry budget. They are set for the service.
 */
export interface SitePolicy
  extends MethodPolicy,
    Pick<ServicePolicy, 'strategy' | 'hashHeader' | 'preferZone' | 'methods'> {}

/** What holds for every service that does not say otherwise. */
export interface PolicyDefaults extends Omit<ServicePolicy, 'methods'> {}

/** How calls are made, over a whole mesh: what $WEFT_POLICIES holds, and `calls` of weft.yaml. */
export interface MeshPolicies {
  /** Of every service. */
  defaults?: PolicyDefaults;
  /** By the service's name. */
  services?: Readonly<Record<string, ServicePolicy>>;
}

/** A method's policy with every default filled in; retry and hedging are undefined when off. */
export interface ResolvedMethodPolicy {
  readonly defaultDeadlineMs: number;
  readonly retry:
    | (Required<Omit<RetryOptions, 'perTryTimeoutMs'>> & Pick<RetryOptions, 'perTryTimeoutMs'>)
    | undefined;
  readonly hedging: Required<HedgingOptions> | undefined;
  readonly sizeLimits: SizeLimits;
}

/** A policy with every default filled in, checked and frozen. */
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
  /** Those with a policy of their own; `methodPolicy` finds a method's. */
  readonly methods: ReadonlyMap<string, ResolvedMethodPolicy>;
}
