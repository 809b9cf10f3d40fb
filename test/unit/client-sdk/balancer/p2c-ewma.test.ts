import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { P2cEwma } from '../../../../client-sdk/src/balancer/p2c-ewma.ts';
import { type Behaviour, healthy, shareOf, simulate, timesOf } from './p2c-simulation.ts';
import { candidates, countPicks, environment, except } from './strategy-fixtures.ts';

const siblings = Array.from({ length: 9 }, () => healthy(20));
const load = { callsPerSecond: 300, durationMs: 180_000 };
const seeds = [1, 2];

/** Longest time without a pick, over the whole of the simulation. */
function longestGap(times: readonly number[]): number {
  const ends = [...times, load.durationMs];
  return Math.max(...ends.map((time, i) => time - (ends[i - 1] ?? 0)));
}

describe('P2cEwma', () => {
  it.each(seeds)('spreads calls evenly over the healthy (seed %d)', (seed) => {
    const picks = simulate([...siblings, healthy(20)], { ...load, seed });
    for (let i = 0; i < 10; i += 1) {
      expect(shareOf(picks, i)).toBeGreaterThan(0.08);
      expect(shareOf(picks, i)).toBeLessThan(0.12);
    }
  });

  it.each(seeds)('sends less than 0.1 %% to a slow one, yet probes it (F6, seed %d)', (seed) => {
    const picks = simulate([...siblings, healthy(500)], { ...load, seed });
    expect(shareOf(picks, 9, 10_000)).toBeLessThan(0.001);
    const times = timesOf(picks, 9);
    expect(times.length).toBeGreaterThan(3);
    expect(longestGap(times)).toBeLessThan(45_000);
  });

  it.each(seeds)('takes one that has recovered back (seed %d)', (seed) => {
    const recovers: Behaviour = (now, random) => healthy(now < 60_000 ? 500 : 20)(now, random);
    const picks = simulate([...siblings, recovers], { ...load, seed });
    expect(shareOf(picks, 9, 120_000)).toBeGreaterThan(0.08);
  });

  it.each([
    ['half', 0.5],
    ['all', 1],
  ])('is not drawn to one that fails %s of its calls in 1 ms (F7)', (_what, failing) => {
    const fails: Behaviour = (_now, random) => ({ afterMs: 1, isFailure: random() < failing });
    for (const seed of seeds) {
      const picks = simulate([...siblings, fails], { ...load, seed });
      expect(shareOf(picks, 9, 10_000)).toBeLessThan(0.001);
      expect(timesOf(picks, 9, 90_000).length).toBeGreaterThan(0);
    }
  });

  it('goes on spreading calls when all fail (F8)', () => {
    const fails: Behaviour = () => ({ afterMs: 1, isFailure: true });
    const picks = simulate(Array(5).fill(fails), { callsPerSecond: 300, durationMs: 60_000 });
    for (let i = 0; i < 5; i += 1) expect(shareOf(picks, i)).toBeGreaterThan(0.1);
  });

  it('tells fast from slow where every one fails one call in fifty', () => {
    const flaky =
      (latencyMs: number): Behaviour =>
      (now, random) =>
        random() < 0.02 ? { afterMs: 1, isFailure: true } : healthy(latencyMs)(now, random);
    const picks = simulate([...Array(9).fill(flaky(20)), flaky(500)], load);
    expect(shareOf(picks, 9, 10_000)).toBeLessThan(0.002);
  });

  it.each<[string, number]>([
    ['never end', Number.POSITIVE_INFINITY],
    ['run into a deadline of 2 s', 2000],
  ])('leaves a frozen one out within 2 s, when its calls %s (F2)', (_what, deadlineMs) => {
    const freezes: Behaviour = (now, random) => {
      if (now < 10_000) return healthy(20)(now, random);
      return deadlineMs === 2000 ? { afterMs: deadlineMs, isFailure: true } : 'frozen';
    };
    for (const seed of seeds) {
      const picks = simulate([...siblings, freezes], {
        callsPerSecond: 750,
        durationMs: 40_000,
        seed,
      });
      expect(timesOf(picks, 9, 10_000).length).toBeGreaterThan(0);
      expect(timesOf(picks, 9, 12_000)).toEqual([]);
    }
  });

  it('goes by calls in flight where nothing is measured', () => {
    const strategy = new P2cEwma(environment());
    const endpoints = candidates(3);
    for (const each of endpoints) strategy.add(each);
    const [busy, busier, idle] = endpoints as [Endpoint, Endpoint, Endpoint];
    busy.inFlight = 1;
    busier.inFlight = 2;
    const counts = countPicks(strategy, 3000);
    expect(counts.get(busier)).toBeUndefined();
    expect(Math.abs((counts.get(idle) ?? 0) - 2000)).toBeLessThan(100);
    expect(Math.abs((counts.get(busy) ?? 0) - 1000)).toBeLessThan(100);
  });

  it('compares what is left when the ones drawn are excluded', () => {
    const strategy = new P2cEwma(environment());
    const endpoints = candidates(4);
    for (const each of endpoints) strategy.add(each);
    const [first, second, third, fourth] = endpoints as [Endpoint, Endpoint, Endpoint, Endpoint];
    third.inFlight = 5;
    expect(countPicks(strategy, 100, except(first, second))).toEqual(new Map([[fourth, 100]]));
    expect(countPicks(strategy, 100, except(first, second, fourth))).toEqual(
      new Map([[third, 100]]),
    );
  });
});
