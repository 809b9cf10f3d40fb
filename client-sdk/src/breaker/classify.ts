/**
 * What the end of an attempt says about the instance that answered it:
 * `success` it answered, be it with an error of the caller's making;
 * `failure` it could not;
 * `neutral` nothing, because the caller went away.
 */
export type Outcome = 'success' | 'failure' | 'neutral';

/** gRPC status codes, by number, that speak against the instance. */
const failures = new Set([
  2, // UNKNOWN
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED
  13, // INTERNAL
  14, // UNAVAILABLE
  15, // DATA_LOSS
]);
const CANCELLED = 1;

/** Classifies a gRPC status code. */
export function classify(statusCode: number): Outcome {
  if (statusCode === CANCELLED) return 'neutral';
  return failures.has(statusCode) ? 'failure' : 'success';
}
