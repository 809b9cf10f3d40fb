import type { Endpoint } from './endpoint.ts';

/** Least share of its traffic that a new endpoint gets: without calls it would never warm up. */
const LEAST_SHARE = 0.1;

/** Lets `endpoint` grow into its full share from now on. */
export function beginSlowStart(endpoint: Endpoint, now: number, slowStartMs: number): void {
  if (slowStartMs > 0) endpoint.warmingSince = now;
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
