import { type BucketCounts, LatencySum } from './latency-sum.ts';

/** What one report said of one edge. */
export interface EdgeSample {
  /** When the report came, on the monotonic clock in ms. */
  readonly at: number;
  /** For how long before `at` the caller had counted, in ms. */
  readonly intervalMs: number;
  readonly count: number;
  readonly failures: number;
  /** For how long any were under way, all together, in ms. */
  readonly busyMs: number;
  readonly buckets: BucketCounts;
}

/** A stretch of time that rates are taken over, on the monotonic clock in ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The latest samples of one edge. */
export class EdgeWindow {
  #samples: EdgeSample[] = [];

  add(sample: EdgeSample): void {
    this.#samples.push(sample);
  }

  /** Forgets what came before `since`. @returns whether nothing is left */
  expire(since: number): boolean {
    let old = 0;
    while (old < this.#samples.length && (this.#samples[old]?.at ?? since) <= since) old += 1;
    if (old > 0) this.#samples = this.#samples.slice(old);
    return this.#samples.length === 0;
  }

  /** Adds the rates over `span`. A sample counts with the share of its interval that lies in the span. */
  addTo(sum: EdgeRates, { from, to }: Span): void {
    for (const sample of this.#samples) {
      const { at, intervalMs } = sample;
      const overlapMs = Math.min(at, to) - Math.max(at - intervalMs, from);
      if (overlapMs > 0) sum.add(sample, overlapMs / intervalMs / (to - from));
    }
  }
}

/** Rates of edges taken together. */
export class EdgeRates {
  /** Attempts that ended, per ms. */
  ended = 0;
  /** Of these, failed ones. */
  failed = 0;
  /** Attempts under way at once. */
  inFlight = 0;
  readonly latency = new LatencySum();

  /** @param weight what one attempt of the sample adds to a rate, per ms */
  add({ count, failures, busyMs, buckets }: EdgeSample, weight: number): void {
    this.ended += count * weight;
    this.failed += failures * weight;
    this.inFlight += busyMs * weight;
    this.latency.add(buckets, weight);
  }
}
