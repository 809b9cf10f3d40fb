import { Metadata } from '@grpc/grpc-js';
import { Status } from '../gen/google/rpc/status.ts';
import { resourceExhausted } from './errors.ts';
import type { SentStatus } from './refused-call.ts';
import { statusMessage } from './status-message.ts';

/** Trailer by which a server tells a client when to try again, or not at all (gRFC A6). */
export const PUSHBACK_TRAILER = 'grpc-retry-pushback-ms';

/**
 * RESOURCE_EXHAUSTED for a server interceptor, with ErrorInfo, and with RetryInfo and pushback of
 * `pushbackMs`: the call was not begun, and may be made again then.
 */
export function pushbackStatus(
  message: string,
  reason: { reason: string; metadata?: Record<string, string> },
  pushbackMs: number,
): SentStatus {
  const error = resourceExhausted(message, { ...reason, retryAfterMs: pushbackMs });
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, String(pushbackMs));
  const rich = Status.encode(statusMessage(error)).finish();
  metadata.set('grpc-status-details-bin', Buffer.from(rich));
  return { code: error.code, details: error.details, metadata };
}
