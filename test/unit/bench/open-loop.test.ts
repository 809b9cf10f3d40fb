import { describe, expect, it } from '@jest/globals';
import { arrivals, runOpenLoop } from '../../bench/harness/open-loop.ts';

describe('arrivals', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(arrivals(300, 1000, 1)).toEqual(arrivals(300, 1000, 1));
    expect(arrivals(300, 1000, 1)).not.toEqual(arrivals(300, 1000, 2));
  });

  it('come in order, within the time, at the rate asked for', () => {
    const times = arrivals(300, 100_000, 7);
    expect(times.length).toBeGreaterThan(29_000);
    expect(times.length).toBeLessThan(31_000);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
    expect(times.at(-1)).toBeLessThan(100_000);
  });

  it('are independent: the gaps spread as much as they are long', () => {
    const times = arrivals(1000, 60_000, 3);
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });
});

describe('runOpenLoop', () => {
  it('does not wait for answers, and counts from when a call was to be sent', async () => {
    const answers: (() => void)[] = [];
    const sent = runOpenLoop([0, 1, 2], (index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      answers.push(resolve);
      if (answers.length === 3) for (const answer of answers) answer();
      return promise.then(() => ({ code: index, retries: 0, isWrite: false }));
    });
    const samples = await sent;
    expect(samples.map(({ code }) => code)).toEqual([0, 1, 2]);
    const [first, , last] = samples;
    expect((last?.at ?? 0) - (first?.at ?? 0)).toBeCloseTo(2, 6);
    expect(first?.ms).toBeGreaterThanOrEqual(last?.ms ?? Infinity);
  });
});
