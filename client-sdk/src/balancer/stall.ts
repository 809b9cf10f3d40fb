import type { Endpoint } from './endpoint.ts';

/** Unary attempts in flight at least: fewer may just be slow. */
const LEAST_IN_FLIGHT = 3;
/** Silence that is never a stall, in ms. */
const LEAST_SILENCE_MS = 500;
/** Silence is measured against what calls there take otherwise. */
const LATENCY_FACTOR = 4;

/**
 * Whether `endpoint` has stopped answering: several calls are in flight and none has ended for far
 * longer than calls there take. A frozen process is noticed by this long before its connection breaks.
 */
export function isStalled(endpoint: Endpoint, now: number): boolean {
  if (endpoint.unaryInFlight < LEAST_IN_FLIGHT) return false;
  const silenceMs = now - endpoint.silentSince;
  if (silenceMs < LEAST_SILENCE_MS) return false;
  return silenceMs > LATENCY_FACTOR * endpoint.latency.measuredAt(now);
}
