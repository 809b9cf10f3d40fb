/** Durations of one report as counts of buckets: `[index, count]`, by index. */
export type BucketCounts = readonly (readonly [index: number, count: number])[];

/** Where a bucket of a `weft.telemetry.v1.Histogram` begins, in ms. */
function lowerBoundMs(index: number): number {
  return 2 ** (index / 4);
}

/** Adds up histograms and reads percentiles off the sum. */
export class LatencySum {
  readonly #counts = new Map<number, number>();
  #total = 0;

  /** @param weight of each duration, greater than 0. Default 1 */
  add(counts: BucketCounts, weight = 1): void {
    for (const [index, count] of counts) {
      const weighted = count * weight;
      this.#counts.set(index, (this.#counts.get(index) ?? 0) + weighted);
      this.#total += weighted;
    }
  }

  /**
   * What the share `quantile` of durations took at most, in ms, within 19 %: interpolated in its bucket.
   * 0 when there are none.
   */
  quantileMs(quantile: number): number {
    if (this.#total === 0) return 0;
    const rank = quantile * this.#total;
    let seen = 0;
    let last = 0;
    for (const [index, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      last = index;
      if (seen + count >= rank) return lowerBoundMs(index + (rank - seen) / count);
      seen += count;
    }
    return lowerBoundMs(last + 1);
  }
}
