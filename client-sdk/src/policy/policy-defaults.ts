import type { RetryOptions, ServicePolicy } from './service-policy.ts';

/** Rolling window over which a breaker counts, in ms: long enough for five failures at 1 call/s. */
export const BREAKER_WINDOW_MS = 10_000;

/** Of `retry`, wherever it is on. */
export const RETRY: Required<Omit<RetryOptions, 'perTryTimeoutMs'>> = {
  maxAttempts: 3,
  initialBackoffMs: 20,
  maxBackoffMs: 200,
  backoffMultiplier: 2,
};
/** Of `hedging`, wherever it is on. */
export const HEDGING = { maxAttempts: 2 };
/** Of `outlierEjection`, wherever it is on. */
export const OUTLIER_EJECTION = {
  intervalMs: 5000,
  minRequests: 5,
  stdevFactor: 1.9,
  consecutiveFailures: 5,
  baseEjectionMs: 10_000,
  maxEjectionMs: 300_000,
  maxEjectedShare: 0.5,
};
/** Of `subset`, wherever it is on. */
export const SUBSET = { size: 50, from: 100 };

/** Weft's own level, under all others. The reasons stand with the fields of `ServicePolicy`. */
export const BUILT_IN = {
  strategy: 'round_robin',
  defaultDeadlineMs: 2000,
  retry: RETRY,
  hedging: false,
  retryBudget: { ratio: 0.2, minPerSecond: 10 },
  breaker: { failures: 5, resetMs: 60_000, probeTimeoutMs: 10_000 },
  outlierEjection: OUTLIER_EJECTION,
  panicThreshold: 0.5,
  maxInFlightPerInstance: 1000,
  maxInFlight: 10_000,
  slowStartMs: 10_000,
  subset: SUBSET,
  preferZone: false,
} as const satisfies ServicePolicy;
