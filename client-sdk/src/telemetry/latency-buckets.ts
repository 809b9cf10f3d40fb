const LOWEST = -40;
const HIGHEST = 80;

/** How many buckets there are. */
export const BUCKETS = HIGHEST - LOWEST + 1;

/**
 * The bucket of a duration, from 0: they grow by a quarter power of two, as OpenTelemetry's exponential
 * histogram does at scale 2, so that a percentile read off them is at most 19 % off.
 */
export function bucketOf(durationMs: number): number {
  // NaN and what is not positive fall into the lowest.
  if (!(durationMs > 0)) return 0;
  const index = Math.floor(Math.log2(durationMs) * 4);
  return Math.min(Math.max(index, LOWEST), HIGHEST) - LOWEST;
}

/** The index that a bucket has in a `weft.telemetry.v1.Histogram`. */
export function indexOfBucket(bucket: number): number {
  return bucket + LOWEST;
}
