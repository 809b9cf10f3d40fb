import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../../client-sdk/src/backoff.ts';

describe('Backoff', () => {
  it('doubles up to its longest wait; the shortest of each is half of it', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000, random: () => 0 });
    expect(Array.from({ length: 6 }, () => backoff.nextMs())).toEqual([
      50, 100, 200, 400, 500, 500,
    ]);
  });

  it('adds at most as much again by chance', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000, random: () => 0.999_999 });
    expect(backoff.nextMs()).toBeCloseTo(100, 2);
    expect(backoff.nextMs()).toBeCloseTo(200, 2);
  });

  it('begins anew after a success, and never grows past its longest wait', () => {
    const backoff = new Backoff({ random: () => 1 });
    for (let i = 0; i < 5000; i += 1) expect(backoff.nextMs()).toBeLessThanOrEqual(2000);
    backoff.reset();
    expect(backoff.nextMs()).toBe(100);
  });
});
