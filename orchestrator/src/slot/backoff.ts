/** How long to wait before the next try. */
export interface BackoffOptions {
  /** After the first failure. Default 100. */
  readonly firstMs: number;
  /** At most. Default 10,000. */
  readonly maxMs: number;
}

export const restartBackoff: BackoffOptions = { firstMs: 100, maxMs: 10_000 };

/**
 * The wait after `failures` (1 or more) in a row: doubling up to the maximum, of which a random part
 * between half and all is taken.
 * @param random 0 to below 1.
 */
export function backoffMs(
  failures: number,
  random: number,
  { firstMs, maxMs }: BackoffOptions = restartBackoff,
): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(fullMs * (0.5 + random / 2));
}
