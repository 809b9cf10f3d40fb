import { describe, expect, it } from '@jest/globals';
import { effects } from '../../bench/harness/disturbance.ts';
import type { Sample } from '../../bench/harness/open-loop.ts';

const sample = (at: number, change: Partial<Sample> = {}): Sample => ({
  at,
  ms: 5,
  lateMs: 0,
  code: 0,
  retries: 0,
  isWrite: false,
  ...change,
});

describe('effects', () => {
  const of = (...samples: Sample[]) =>
    effects({ at: 1000, overAt: 1010, samples, patienceMs: 500 });

  it('counts failures, and apart those that nothing excuses', () => {
    const found = of(
      sample(990, { code: 14, isWrite: true }),
      sample(1005, { code: 14, isWrite: true }),
      sample(1020, { code: 14, isWrite: true }),
      sample(1020, { code: 14 }),
      sample(1021),
    );
    expect(found).toMatchObject({
      'failed idempotent calls': 1,
      'failed other calls': 3,
      'failed others, not in flight then': 1,
    });
  });

  it('tells when the last call went there: failed, retried or slow', () => {
    expect(of(sample(1100, { retries: 1 }), sample(1200))['ms until no pick goes there']).toBe(100);
    expect(of(sample(1300, { ms: 501 }))['ms until no pick goes there']).toBe(300);
    expect(of(sample(900, { code: 14 }))['ms until no pick goes there']).toBe(0);
  });

  it('tells the longest call around it, not what was long before', () => {
    expect(of(sample(100, { ms: 900 }), sample(1001, { ms: 70 }))['worst stall ms']).toBe(70);
  });
});
