import { Metadata, status } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { ERROR_DOMAIN } from './errors.ts';
import type { SentStatus } from './refused-call.ts';

/** Trailer by which a server tells a client when to try again, or not at all (gRFC A6). */
export const PUSHBACK_TRAILER = 'grpc-retry-pushback-ms';

interface Encoder<T> {
  encode(message: T): { finish(): Uint8Array };
}

function encoded<T>(type: Encoder<T>, message: T): Buffer {
  return Buffer.from(type.encode(message).finish());
}

/**
 * RESOURCE_EXHAUSTED for a server interceptor, with ErrorInfo, and with RetryInfo and pushback of
 * `pushbackMs`: the call was not begun, and may be made again then.
 */
export function pushbackStatus(
  details: string,
  { reason, facts = {} }: { reason: string; facts?: Record<string, string> },
  pushbackMs: number,
): SentStatus {
  const info = ErrorInfo.fromPartial({
    reason,
    domain: ERROR_DOMAIN,
    metadata: new Map(Object.entries(facts)),
  });
  const seconds = Math.floor(pushbackMs / 1000);
  const nanos = (pushbackMs % 1000) * 1_000_000;
  const retry = RetryInfo.fromPartial({ retryDelay: { seconds: BigInt(seconds), nanos } });
  const rich = Status.fromPartial({
    code: status.RESOURCE_EXHAUSTED,
    message: details,
    details: [
      { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: encoded(ErrorInfo, info) },
      { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: encoded(RetryInfo, retry) },
    ],
  });
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, String(pushbackMs));
  metadata.set('grpc-status-details-bin', encoded(Status, rich));
  return { code: status.RESOURCE_EXHAUSTED, details, metadata };
}
