import type { Endpoint } from './endpoint.ts';

/** Attempts in flight that make silence telling: fewer may just be slow. */
const TELLING = 3;
/** Silence that says nothing, in ms. */
const SILENT_MS = 50;
const STALLED_MS = 500;
/** The same of a call or two, which is all that a frozen instance has when load goes by latency. */
const STALLED_FEW_MS = 750;
/** Silence is measured against what answers take there, */
const LATENCY_FACTOR = 4;
/** and against the slowest answers that the methods in flight were given lately, by any instance. */
const SILENT_FACTOR = 1.5;
const STALLED_FACTOR = 2;
const STALLED_FEW_FACTOR = 3;

/**
 * Whether `endpoint` keeps several calls waiting for longer than answers take. It may be no more than a
 * pause, so nothing follows but that others are asked until it answers.
 */
export function isSilent(endpoint: Endpoint, now: number): boolean {
  if (endpoint.awaited < TELLING) return false;
  const silenceMs = now - endpoint.silentSince;
  if (silenceMs <= SILENT_MS) return false;
  if (silenceMs <= LATENCY_FACTOR * endpoint.latency.measuredAt(now)) return false;
  return silenceMs > SILENT_FACTOR * endpoint.slowestAwaitedAt(now);
}

/**
 * Whether `endpoint` has stopped answering: it is silent for much longer. A frozen process is noticed by
 * this long before its connection breaks or a deadline passes.
 */
export function isStalled(endpoint: Endpoint, now: number): boolean {
  if (endpoint.awaited === 0) return false;
  const silenceMs = now - endpoint.silentSince;
  if (silenceMs <= STALLED_MS) return false;
  const slowestMs = endpoint.slowestAwaitedAt(now);
  return endpoint.awaited < TELLING
    ? silenceMs > Math.max(STALLED_FEW_MS, STALLED_FEW_FACTOR * slowestMs)
    : isSilent(endpoint, now) && silenceMs > STALLED_FACTOR * slowestMs;
}
