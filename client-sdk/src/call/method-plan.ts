import { status } from '@grpc/grpc-js';
import type { SizeLimits } from '@weft/proto';
import { strategyKey } from '../balancer/strategies.ts';
import { type MethodTraits, methodNameOf } from '../contract/contract.ts';
import type { ConfigSelector } from '../grpc-experimental.ts';
import { methodPolicy } from '../policy/method-policy.ts';
import type { ResolvedMethodPolicy, ResolvedPolicy } from '../policy/service-policy.ts';

type MethodConfig = ReturnType<ConfigSelector['invoke']>['methodConfig'];

/** How calls of one method are made, worked out once. */
export interface MethodPlan {
  /** The strategy that chooses for it, by its key. */
  readonly strategy: string;
  /** Answered with one message. False of a method that no contract told of. */
  readonly isUnary: boolean;
  /** Deadline of calls that come without one, in ms; undefined for streams. */
  readonly defaultDeadlineMs: number | undefined;
  /** What gRPC is told: retries and hedging. */
  readonly methodConfig: MethodConfig;
  /** Whether an attempt may be given up and made elsewhere: unary, and retried or hedged. */
  readonly isMovable: boolean;
  /** Attempts made at most. */
  readonly maxAttempts: number;
  /** Time from one attempt to its hedge, in ms; undefined without hedging. */
  readonly hedgeAfterMs: number | undefined;
  /** How long one attempt may take, in ms. */
  readonly perTryTimeoutMs: number | undefined;
  /** How large messages and metadata may be. */
  readonly sizeLimits: SizeLimits;
}

/**
 * UNAVAILABLE: the call was refused or the connection broke. RESOURCE_EXHAUSTED: only where the server
 * said when to come back, see GrpcAttempt.
 */
const retryableStatusCodes = [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED];

/**
 * How gRPC is configured for a call that is made once. gRPC repeats a call that a server refused unread,
 * but only once; here it may do so up to its cap. GrpcAttempt and MeshPicker forbid any other repetition.
 */
const madeOnce: MethodConfig = {
  name: [],
  retryPolicy: {
    maxAttempts: 5,
    initialBackoff: '0.001s',
    maxBackoff: '0.01s',
    backoffMultiplier: 2,
    retryableStatusCodes: [status.UNAVAILABLE],
  },
};

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function methodConfigOf({ retry, hedging }: ResolvedMethodPolicy): MethodConfig {
  if (hedging !== undefined) {
    const { maxAttempts, delayMs } = hedging;
    return {
      name: [],
      hedgingPolicy: {
        maxAttempts,
        hedgingDelay: seconds(delayMs),
        nonFatalStatusCodes: retryableStatusCodes,
      },
    };
  }
  if (retry === undefined) return madeOnce;
  return {
    name: [],
    retryPolicy: {
      maxAttempts: retry.maxAttempts,
      initialBackoff: seconds(retry.initialBackoffMs),
      maxBackoff: seconds(retry.maxBackoffMs),
      backoffMultiplier: retry.backoffMultiplier,
      retryableStatusCodes,
    },
  };
}

/** Plans the calls of a method by the policy of its service; without traits it is made once. */
export function planOf(policy: ResolvedPolicy, traits: MethodTraits | undefined): MethodPlan {
  const own = methodPolicy(policy, methodNameOf(traits?.path ?? ''));
  const isUnary = traits?.type === 'unary';
  const isRepeatable = traits?.isIdempotent === true;
  const isRepeated = isRepeatable && (own.retry !== undefined || own.hedging !== undefined);
  return {
    strategy: strategyKey(policy),
    isUnary,
    defaultDeadlineMs: isUnary ? own.defaultDeadlineMs : undefined,
    methodConfig: isRepeated ? methodConfigOf(own) : madeOnce,
    isMovable: isUnary && isRepeated,
    sizeLimits: own.sizeLimits,
    maxAttempts: isRepeated ? ((own.hedging ?? own.retry)?.maxAttempts ?? 1) : 1,
    hedgeAfterMs: isRepeated ? own.hedging?.delayMs : undefined,
    perTryTimeoutMs: own.hedging === undefined ? own.retry?.perTryTimeoutMs : undefined,
  };
}
