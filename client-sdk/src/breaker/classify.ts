/**
 * What the end of an attempt says about its instance.
 * - `success`: the instance returned a response, or a status that the caller caused.
 * - `failure`: the instance could not serve the call.
 * - `neutral`: nothing. The breaker and the statistics stay as they are.
 */
export type Outcome = 'success' | 'failure' | 'neutral';

/**
 * Where the final status of an attempt came from.
 * - `server`: the server sent it.
 * - `connection`: the connection or the stream broke, or the peer reset it, before a status came.
 * - `timeout`: this client stopped waiting, at the deadline or after `perTryTimeoutMs`.
 * - `client`: this client ended the attempt for a reason of its own: the caller cancelled, a message or
 *   the metadata was too large, or a message could not be encoded or decoded.
 */
export type EndedBy = 'server' | 'connection' | 'timeout' | 'client';

/** Facts about the end of one attempt. */
export interface Ending {
  /** gRPC status code, by number. */
  readonly statusCode: number;
  readonly endedBy: EndedBy;
  /** Whether the server sent pushback: it sheds load (gRFC A6). */
  readonly hasPushback: boolean;
  /** How long this client waited for the instance, in ms. Pauses of this process do not count. */
  readonly waitedMs: number;
  /**
   * For each sibling of the instance that was measured lately: how long it takes for this method at
   * most, in ms. Empty if nothing is known. Read only if the attempt timed out.
   */
  readonly siblingsMs: readonly number[];
}

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;

/** Status codes, by number, that count as a failure of the instance if the server sends them. */
const failures = new Set([
  2, // UNKNOWN
  13, // INTERNAL
  14, // UNAVAILABLE
  15, // DATA_LOSS
]);

/** A shorter wait proves nothing, in ms: garbage collection or a busy network can take as long. */
const LEAST_WAIT_MS = 50;
/** A sibling shows that the wait was long enough if it takes at most half of it. */
const SIBLING_FACTOR = 2;

/**
 * Whether an attempt that timed out had long enough: at least half of the siblings need no more than
 * half of that time. If most siblings are as slow, the method is slow and not the instance.
 */
function hadLongEnough({ waitedMs, siblingsMs }: Ending): boolean {
  if (waitedMs < LEAST_WAIT_MS || siblingsMs.length === 0) return false;
  const faster = siblingsMs.filter((ms) => ms * SIBLING_FACTOR <= waitedMs);
  return faster.length * 2 >= siblingsMs.length;
}

/** Whether the attempt ended because time ran out, here or at the server. */
export function isTimeout({
  statusCode,
  endedBy,
}: Pick<Ending, 'statusCode' | 'endedBy'>): boolean {
  return endedBy === 'timeout' || statusCode === DEADLINE_EXCEEDED;
}

/** Classifies the end of an attempt. The table in the README of this package lists every case. */
export function classify(ending: Ending): Outcome {
  const { statusCode, endedBy, hasPushback } = ending;
  if (isTimeout(ending)) return hadLongEnough(ending) ? 'failure' : 'neutral';
  // gRPC maps a reset for too much metadata to this code too, so the code decides.
  if (statusCode === RESOURCE_EXHAUSTED) return hasPushback ? 'failure' : 'neutral';
  if (endedBy === 'client') return 'neutral';
  if (endedBy === 'connection' || failures.has(statusCode)) return 'failure';
  return statusCode === CANCELLED ? 'neutral' : 'success';
}

/** Whether a call that failed with this code gets a report: its cause may lie outside the caller. */
export function isReported(statusCode: number): boolean {
  return (
    failures.has(statusCode) ||
    statusCode === DEADLINE_EXCEEDED ||
    statusCode === RESOURCE_EXHAUSTED
  );
}
