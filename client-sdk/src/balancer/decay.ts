/** How long a measured latency keeps most of its say, in ms. */
export const DECAY_MS = 10_000;

/** The share, up to 1, that is left of what was known `elapsedMs` ago. */
export function decay(elapsedMs: number): number {
  return elapsedMs <= 0 ? 1 : Math.exp(-elapsedMs / DECAY_MS);
}
