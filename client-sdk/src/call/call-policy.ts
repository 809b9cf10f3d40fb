import { type Metadata, status } from '@grpc/grpc-js';
import { CallRecord } from '../balancer/call-record.ts';
import type { ConfigSelector } from '../grpc-experimental.ts';
import { messageSizeFilter } from './message-size-filter.ts';
import type { MethodTable } from './method-table.ts';

type CallConfig = ReturnType<ConfigSelector['invoke']>;
type MethodConfig = CallConfig['methodConfig'];

/** Request metadata by which a mesh client tells its own channel a timeout in ms; never sent. */
export const TIMEOUT_KEY = 'weft-internal-timeout-ms';

/**
 * Retries of idempotent methods: up to 3 attempts, each at another instance, a jittered backoff
 * apart. Only UNAVAILABLE is retried: the call was refused or the connection broke.
 */
const retryPolicy: NonNullable<MethodConfig['retryPolicy']> = {
  maxAttempts: 3,
  initialBackoff: '0.02s',
  maxBackoff: '0.2s',
  backoffMultiplier: 2,
  retryableStatusCodes: [status.UNAVAILABLE],
};

/**
 * Retry budget (gRFC A6, retry throttling): each failure costs a token of 100, each success gives
 * 0.2 back, and below 50 nothing is retried. So failures of a few calls are all retried, and when
 * everything fails retries add at most a fifth.
 */
export const retryThrottling = { maxTokens: 100, tokenRatio: 0.2 };

const once: MethodConfig = { name: [] };
const retried: MethodConfig = { name: [], retryPolicy };

function timeoutOf(metadata: Metadata): MethodConfig['timeout'] {
  const [text] = metadata.get(TIMEOUT_KEY);
  if (text === undefined) return undefined;
  metadata.remove(TIMEOUT_KEY);
  const timeoutMs = Number(text);
  const seconds = Math.floor(timeoutMs / 1000);
  return { seconds, nanos: Math.round((timeoutMs - seconds * 1000) * 1e6) };
}

/**
 * Decides for each call, before its first attempt: how long it may take, whether it is retried
 * (only what the contract marks idempotent), and the record its attempts share.
 */
export class CallPolicy implements ConfigSelector {
  readonly #methods: MethodTable;

  constructor(methods: MethodTable) {
    this.#methods = methods;
  }

  invoke(path: string, metadata: Metadata): CallConfig {
    const base = this.#methods.get(path)?.isIdempotent ? retried : once;
    const timeout = timeoutOf(metadata);
    const call = new CallRecord();
    return {
      methodConfig: timeout === undefined ? base : { ...base, timeout },
      // gRPC passes this object to every pick of the call, untouched: the one place for its record.
      pickInformation: call as unknown as CallConfig['pickInformation'],
      status: status.OK,
      dynamicFilterFactories: [messageSizeFilter(call)],
    };
  }

  /** Whether calls of this method are unary and retried. */
  isRetried(path: string): boolean {
    const method = this.#methods.get(path);
    return method?.isUnary === true && method.isIdempotent;
  }

  unref(): void {}
}
