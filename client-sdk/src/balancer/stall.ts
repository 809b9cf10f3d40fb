import type { Endpoint } from './endpoint.ts';

/** Attempts in flight at least: fewer may just be slow. */
const LEAST_IN_FLIGHT = 3;
/** Silence that says nothing, in ms. */
const SILENT_MS = 50;
const STALLED_MS = 500;
/** Silence is measured against what answers take there, */
const LATENCY_FACTOR = 4;
/** and against the slowest that any instance of the service gave lately. */
const SLOWEST_FACTOR = 2;

/** How long calls have been in flight there without one ending, in ms; 0 when they are too few. */
function silenceMs(endpoint: Endpoint, now: number): number {
  return endpoint.unaryInFlight < LEAST_IN_FLIGHT ? 0 : now - endpoint.silentSince;
}

/**
 * Whether `endpoint` keeps several calls waiting for longer than answers take there. It may be a pause
 * or a slow method, so nothing more follows than that others are asked until it answers.
 */
export function isSilent(endpoint: Endpoint, now: number): boolean {
  const silentMs = silenceMs(endpoint, now);
  if (silentMs <= SILENT_MS) return false;
  const usualMs = endpoint.latency.measuredAt(now);
  return usualMs > 0 && silentMs > LATENCY_FACTOR * usualMs;
}

/**
 * Whether `endpoint` has stopped answering: it is silent for longer than the slowest answers take. A
 * frozen process is noticed by this long before its connection breaks or a deadline passes.
 * @param slowestMs the slowest answer of the service lately; 0 when none is known
 */
export function isStalled(endpoint: Endpoint, now: number, slowestMs: number): boolean {
  if (slowestMs === 0 || !isSilent(endpoint, now)) return false;
  return silenceMs(endpoint, now) > Math.max(STALLED_MS, SLOWEST_FACTOR * slowestMs);
}
