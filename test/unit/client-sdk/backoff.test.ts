import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../../client-sdk/src/backoff.ts';

describe('Backoff', () => {
  it('doubles up to its longest wait; each is anything up to that', () => {
    const longest = new Backoff({ initialMs: 100, maxMs: 1000, random: () => 1 });
    expect(Array.from({ length: 6 }, () => longest.nextMs())).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
    const some = new Backoff({ initialMs: 100, maxMs: 1000, random: () => 0.25 });
    expect(Array.from({ length: 3 }, () => some.nextMs())).toEqual([25, 50, 100]);
  });

  it('F20: waits for nothing at first when the next try goes elsewhere, and only then', () => {
    const backoff = new Backoff({ random: () => 1 });
    expect([backoff.nextMs(true), backoff.nextMs(true), backoff.nextMs()]).toEqual([0, 200, 400]);
    backoff.reset();
    expect([backoff.nextMs(), backoff.nextMs(true)]).toEqual([100, 200]);
  });

  it('F20: spreads those who lost the same server evenly over the whole wait', () => {
    const waits = Array.from({ length: 1000 }, () => new Backoff({ initialMs: 1000 }).nextMs());
    const tenths = Map.groupBy(waits, (ms) => Math.floor(ms / 100));
    expect(tenths.size).toBe(10);
    for (const tenth of tenths.values()) expect(tenth.length).toBeLessThan(200);
  });

  it('begins anew after a success, and never grows past its longest wait', () => {
    const backoff = new Backoff({ random: () => 1 });
    for (let i = 0; i < 5000; i += 1) expect(backoff.nextMs()).toBeLessThanOrEqual(2000);
    backoff.reset();
    expect(backoff.nextMs()).toBe(100);
  });
});
