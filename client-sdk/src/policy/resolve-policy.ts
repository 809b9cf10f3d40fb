import { checkStrategyName } from '../balancer/strategies.ts';
import type {
  MethodPolicy,
  ResolvedMethodPolicy,
  ResolvedPolicy,
  ServicePolicy,
} from './service-policy.ts';

const WINDOW_MS = 10_000;

function resolveMethod(policy: MethodPolicy, base: ResolvedMethodPolicy): ResolvedMethodPolicy {
  const { retry, hedging } = policy;
  return {
    defaultDeadlineMs: policy.defaultDeadlineMs ?? base.defaultDeadlineMs,
    retry:
      retry === undefined
        ? base.retry
        : retry === false
          ? undefined
          : {
              maxAttempts: 3,
              initialBackoffMs: 20,
              maxBackoffMs: 200,
              backoffMultiplier: 2,
              ...base.retry,
              ...retry,
            },
    hedging:
      hedging === undefined
        ? base.hedging
        : hedging === false
          ? undefined
          : { maxAttempts: 2, ...hedging },
  };
}

/**
 * Fills in defaults and checks the policy of one service.
 * @param path what the policy stands under, for errors: `services.user-service`
 * @throws ConfigError naming the first field that cannot be used
 */
export function resolvePolicy(policy: ServicePolicy, path = ''): ResolvedPolicy {
  const { strategy = 'round_robin', breaker = {} } = policy;
  checkStrategyName(`${path === '' ? '' : `${path}.`}strategy`, strategy);
  const own = resolveMethod(policy, {
    defaultDeadlineMs: 2000,
    retry: { maxAttempts: 3, initialBackoffMs: 20, maxBackoffMs: 200, backoffMultiplier: 2 },
    hedging: undefined,
  });
  return {
    ...own,
    strategy,
    hashHeader: policy.hashHeader,
    retryBudget: { maxTokens: 100, tokenRatio: 0.2, ...policy.retryBudget },
    breaker: {
      failures: 5,
      resetMs: 60_000,
      probeTimeoutMs: 10_000,
      windowMs: WINDOW_MS,
      ...breaker,
    },
    outlierEjection:
      policy.outlierEjection === false
        ? undefined
        : {
            intervalMs: 5000,
            minRequests: 5,
            stdevFactor: 1.9,
            consecutiveFailures: 5,
            baseEjectionMs: 10_000,
            maxEjectionMs: 300_000,
            maxEjectedShare: 0.5,
            ...policy.outlierEjection,
          },
    panicThreshold: policy.panicThreshold ?? 0.5,
    maxInFlightPerInstance: policy.maxInFlightPerInstance ?? 1000,
    maxInFlight: policy.maxInFlight ?? 10_000,
    slowStartMs: policy.slowStartMs ?? 10_000,
    subset: policy.subset === false ? undefined : { size: 50, from: 100, ...policy.subset },
    preferZone: policy.preferZone ?? false,
    methods: new Map(
      Object.entries(policy.methods ?? {}).map(([name, method]) => [
        name,
        resolveMethod(method, own),
      ]),
    ),
  };
}
