import type { Endpoint } from './endpoint.ts';

/** Attempts in flight that make silence telling: fewer may just be slow. */
const TELLING = 3;
/** Silence that says nothing, in ms. */
const SILENT_MS = 50;
const STALLED_MS = 500;
/** The same of a call or two, which is all that a frozen instance has when load goes by latency. */
const STALLED_FEW_MS = 750;
/** Time that a process has for the answer to a ping, in ms. */
const PING_MS = 200;
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
 * Whether `endpoint` has stopped answering: it is silent for much longer, and its process has not
 * answered a ping for PING_MS. A slow handler does not keep its process from answering. A frozen process
 * is noticed by this long before its connection breaks or a deadline passes.
 */
export function isStalled(endpoint: Endpoint, now: number): boolean {
  const { pingedAt } = endpoint;
  if (pingedAt === undefined || now - pingedAt < PING_MS) return false;
  return lifelessMs(endpoint, now) > stalledAfterMs(endpoint, now);
}

/** Whether `endpoint` is silent for so long that it is time to ping its process. */
export function mayBeStalled(endpoint: Endpoint, now: number): boolean {
  return lifelessMs(endpoint, now) > stalledAfterMs(endpoint, now) / 2;
}

/** Time without an answer to a call or a ping, in ms. */
function lifelessMs({ silentSince, aliveAt }: Endpoint, now: number): number {
  return now - Math.max(silentSince, aliveAt);
}

function stalledAfterMs(endpoint: Endpoint, now: number): number {
  if (endpoint.awaited === 0) return Number.POSITIVE_INFINITY;
  const slowestMs = endpoint.slowestAwaitedAt(now);
  if (endpoint.awaited < TELLING) return Math.max(STALLED_FEW_MS, STALLED_FEW_FACTOR * slowestMs);
  const usualMs = endpoint.latency.measuredAt(now);
  return Math.max(STALLED_MS, STALLED_FACTOR * slowestMs, LATENCY_FACTOR * usualMs);
}
