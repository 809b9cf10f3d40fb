import { type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import type { SentStatus } from './refused-call.ts';

/** What a call is answered whose deadline has passed. */
export const deadlineExceeded: SentStatus = {
  code: status.DEADLINE_EXCEEDED,
  details: 'the deadline passed before the call was handled',
  metadata: null,
};

/** A deadline earlier than this before now was never sent: timeouts are not negative. */
const IMPOSSIBLY_PAST_MS = 1000;

/**
 * When the caller stops waiting, in ms since the epoch; undefined for never.
 *
 * grpc-js keeps a timeout in 32 bits, so that one beyond 24.8 days may come out negative: it would
 * end the call at once. That is as good as none, and is made so.
 */
export function incomingDeadline(
  call: ServerInterceptingCallInterface,
  nowMs: number,
): number | undefined {
  const deadline = Number(call.getDeadline());
  if (deadline === Number.POSITIVE_INFINITY) return undefined;
  if (deadline >= nowMs - IMPOSSIBLY_PAST_MS) return deadline;
  // No public way to call off the timer that the overflow has set to run at once.
  clearTimeout((call as { deadlineTimer?: NodeJS.Timeout }).deadlineTimer);
  return undefined;
}
