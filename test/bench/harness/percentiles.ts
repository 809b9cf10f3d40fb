import type { Sample } from './open-loop.ts';
import { quantile } from './stats.ts';

/** How long calls took, failed ones too, and how many of a hundred failed. */
export function latencies(samples: readonly Sample[]): Record<string, number> {
  const ms = samples.map((sample) => sample.ms);
  const failed = samples.filter(({ code }) => code !== 0).length;
  return {
    'p50 ms': quantile(ms, 0.5),
    'p99 ms': quantile(ms, 0.99),
    'failed %': (failed / Math.max(1, samples.length)) * 100,
  };
}

/** The latency that one call in a thousand exceeds. */
export function p999(samples: readonly Sample[]): number {
  return quantile(
    samples.map(({ ms }) => ms),
    0.999,
  );
}
