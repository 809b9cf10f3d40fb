import type { Endpoint } from './endpoint.ts';

/** Least share of its traffic that a new endpoint gets: without calls it would never warm up. */
const LEAST_SHARE = 0.1;

/**
 * Lets an endpoint that has just joined grow into its full share from now on; one that has been running
 * for that long, and only comes back to the list, is warm already.
 * @param ageMs since its process started
 */
export function beginSlowStart(
  endpoint: Endpoint,
  now: number,
  ageMs: number,
  slowStartMs: number,
): void {
  if (ageMs < slowStartMs) endpoint.warmingSince = now - Math.max(0, ageMs);
}

/**
 * Share of its full traffic, up to 1, that `endpoint` may get: it grows in a straight line while it
 * warms its caches and its compiler (as Envoy's slow start mode with an aggression of 1).
 */
export function slowStartShare(endpoint: Endpoint, now: number, slowStartMs: number): number {
  if (endpoint.warmingSince === undefined) return 1;
  const share = (now - endpoint.warmingSince) / slowStartMs;
  if (share >= 1) {
    endpoint.warmingSince = undefined;
    return 1;
  }
  return Math.max(LEAST_SHARE, share);
}
