import { type Metadata, status } from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { type Log, silentLog } from '@weft/proto';
import type { Balancer } from '../balancer/balancer.ts';
import type { ConfigSelector } from '../grpc-experimental.ts';
import { LONGEST_TIMER_MS } from '../policy/readers.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';
import { ClientSpan } from '../tracing/client-span.ts';
import { CallFilter } from './call-filter.ts';
import { CallLimits } from './call-limits.ts';
import { settingsOf } from './call-settings.ts';
import type { MethodPlan } from './method-plan.ts';
import type { MethodPlans } from './method-plans.ts';
import { PlannedCall } from './planned-call.ts';

type CallConfig = ReturnType<ConfigSelector['invoke']>;

/**
 * Decides for each call, before its first attempt, how it is made: the plan of its method by the policy
 * of its call site or service, and the record its attempts share.
 */
export class CallSelector implements ConfigSelector {
  readonly #balancer: Balancer;
  readonly #plans: MethodPlans;
  readonly #log: Log;

  constructor(balancer: Balancer, plans: MethodPlans, log = silentLog) {
    this.#balancer = balancer;
    this.#plans = plans;
    this.#log = log;
  }

  /** The plan of a method by the policy of the service. */
  planOf(path: string): MethodPlan {
    return this.#plans.of(this.#balancer.policy, path);
  }

  invoke(path: string, metadata: Metadata): CallConfig {
    const settings = settingsOf(metadata);
    const policy = settings?.policy ?? this.#balancer.policy;
    const plan = this.#plans.of(policy, path);
    const { isUnary, strategy, maxAttempts, hedgeAfterMs } = plan;
    const hashKey = settings?.hashKey ?? hashKeyOf(policy, metadata);
    const sizeLimits = settings?.sizeLimits && { ...plan.sizeLimits, ...settings.sizeLimits };
    const traits = { path, isUnary, hashKey, strategy, maxAttempts, hedgeAfterMs };
    const call = new PlannedCall(plan, this.#balancer.now(), traits, sizeLimits);
    const timeout = timeoutOf(settings?.timeoutMs);
    const span = ClientSpan.start(path, metadata, settings?.traceContext ?? context.active());
    const { onReport, onFailure } = settings ?? {};
    return {
      methodConfig: timeout === undefined ? plan.methodConfig : { ...plan.methodConfig, timeout },
      // gRPC passes this object to every pick of the call, untouched: the one place for its record.
      pickInformation: call as unknown as CallConfig['pickInformation'],
      status: status.OK,
      dynamicFilterFactories: [
        new CallFilter(this.#balancer, call, { onReport, onFailure, span, log: this.#log }),
        new CallLimits(this.#balancer.service, call, metadata),
      ],
    };
  }

  unref(): void {}
}

/** A timeout longer than a timer can hold is none. */
function timeoutOf(timeoutMs: number | undefined): MethodPlan['methodConfig']['timeout'] {
  if (timeoutMs === undefined || timeoutMs > LONGEST_TIMER_MS) return undefined;
  const seconds = Math.floor(Math.max(0, timeoutMs) / 1000);
  return { seconds, nanos: Math.round((Math.max(0, timeoutMs) - seconds * 1000) * 1e6) };
}

function hashKeyOf({ hashHeader }: ResolvedPolicy, metadata: Metadata): string | undefined {
  if (hashHeader === undefined) return undefined;
  const [value] = metadata.get(hashHeader);
  return value?.toString();
}
