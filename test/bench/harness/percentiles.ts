import type { Sample } from './open-loop.ts';
import { quantile } from './stats.ts';

const shares = { p50: 0.5, p99: 0.99, 'p99.9': 0.999 };

/** How long calls took, failed ones too, and how many of a hundred failed. */
export function latencies(samples: readonly Sample[]): Record<string, number> {
  const ms = samples.map((sample) => sample.ms);
  const failed = samples.filter(({ code }) => code !== 0).length;
  return {
    ...Object.fromEntries(
      Object.entries(shares).map(([name, share]) => [`${name} ms`, quantile(ms, share)]),
    ),
    'failed %': (failed / Math.max(1, samples.length)) * 100,
  };
}
