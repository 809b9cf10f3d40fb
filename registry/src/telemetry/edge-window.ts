import { type BucketCounts, LatencySum } from './latency-sum.ts';

/** What one report said of one edge. */
export interface EdgeSample {
  /** When it came, on the monotonic clock in ms. */
  readonly at: number;
  readonly count: number;
  readonly failures: number;
  /** For how long any were under way, all together, in ms. */
  readonly busyMs: number;
  readonly buckets: BucketCounts;
}

/** Samples of one edge over the last seconds. */
export class EdgeWindow {
  #samples: EdgeSample[] = [];

  add(sample: EdgeSample): void {
    this.#samples.push(sample);
  }

  /** Forgets what came before `since`. Answers whether nothing is left. */
  expire(since: number): boolean {
    let old = 0;
    while (old < this.#samples.length && (this.#samples[old]?.at ?? since) < since) old += 1;
    if (old > 0) this.#samples = this.#samples.slice(old);
    return this.#samples.length === 0;
  }

  addTo(sum: EdgeSum): void {
    for (const sample of this.#samples) sum.add(sample);
  }
}

/** Edges taken together. */
export class EdgeSum {
  count = 0;
  failures = 0;
  busyMs = 0;
  readonly latency = new LatencySum();

  add({ count, failures, busyMs, buckets }: EdgeSample): void {
    this.count += count;
    this.busyMs += busyMs;
    this.failures += failures;
    this.latency.add(buckets);
  }
}
