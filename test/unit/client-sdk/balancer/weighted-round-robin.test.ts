import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { WeightedRoundRobin } from '../../../../client-sdk/src/balancer/weighted-round-robin.ts';
import { anyone, candidate, countPicks, environment, except, Ledger } from './strategy-fixtures.ts';

function setUp(weights: readonly number[], seed = 1) {
  const endpoints = weights.map((weight, i) => candidate(`e${i}`, { weight }));
  const strategy = new WeightedRoundRobin(environment(seed));
  return { endpoints, ledger: new Ledger(strategy, endpoints), strategy };
}

describe('WeightedRoundRobin', () => {
  it('is smooth: at no time is one a pick and a bit ahead of its share or behind it', () => {
    const weights = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(weights, fc.nat(), (drawn, seed) => {
        const { endpoints, strategy } = setUp(drawn, seed);
        const sum = drawn.reduce((a, b) => a + b);
        const counts = new Map<Endpoint, number>(endpoints.map((each) => [each, 0]));
        let furthest = Number.NEGATIVE_INFINITY;
        for (let picks = 1; picks <= 500; picks += 1) {
          const picked = strategy.pick(anyone) as Endpoint;
          counts.set(picked, (counts.get(picked) as number) + 1);
          for (const [each, count] of counts) {
            // The random start adds up to a pick of its own, and a heavy one feels all the others'.
            const bound = 1 + (drawn.length * each.weight) / sum;
            furthest = Math.max(furthest, Math.abs(count - (picks * each.weight) / sum) - bound);
          }
        }
        expect(furthest).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 50 },
    );
  });

  it('does not bunch the picks of a heavy one', () => {
    const { endpoints, strategy } = setUp([5, 1, 1]);
    const heavy = endpoints[0];
    let longest = 0;
    let run = 0;
    for (let i = 0; i < 7000; i += 1) {
      run = strategy.pick(anyone) === heavy ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    expect(longest).toBeLessThanOrEqual(5);
  });

  it('follows a changed weight at once, both ways', () => {
    const { endpoints, ledger, strategy } = setUp([0.001, 1]);
    const [first, second] = endpoints as [Endpoint, Endpoint];
    countPicks(strategy, 100);
    ledger.setWeight(first, 3);
    expect(Math.abs((countPicks(strategy, 400).get(first) ?? 0) - 300)).toBeLessThanOrEqual(2);
    ledger.setWeight(first, 0.001);
    expect(countPicks(strategy, 400).get(second)).toBeGreaterThanOrEqual(398);
  });

  it('gives one that joins its share from then on, no more', () => {
    const { ledger, strategy } = setUp([1, 1, 1]);
    countPicks(strategy, 10_000);
    const late = candidate('late', { weight: 1 });
    ledger.toggle(late);
    const count = countPicks(strategy, 400).get(late) ?? 0;
    expect(Math.abs(count - 100)).toBeLessThanOrEqual(1);
  });

  it('lets one that was passed over have its turn, but saves up no more than one', () => {
    const { endpoints, strategy } = setUp([1, 1]);
    const [first] = endpoints as [Endpoint, Endpoint];
    countPicks(strategy, 100, except(first));
    const next = Array.from({ length: 8 }, () => strategy.pick(anyone));
    expect(next.filter((each) => each === first).length).toBeLessThanOrEqual(5);
    expect(next.filter((each) => each === first).length).toBeGreaterThanOrEqual(4);
  });

  it('keeps to the weights when virtual time starts again', () => {
    const { endpoints, ledger, strategy } = setUp([1e-6, 2e-6]);
    countPicks(strategy, 1000);
    const counts = countPicks(strategy, 300);
    expect(Math.abs((counts.get(endpoints[0]) ?? 0) - 100)).toBeLessThanOrEqual(2);
    for (const each of endpoints) ledger.setWeight(each, 0);
    expect(countPicks(strategy, 10).get(undefined)).toBeUndefined();
  });

  it('does not begin with the same one in every client', () => {
    const starts = Array.from(
      { length: 50 },
      (_, seed) => setUp([1, 1, 1, 1], seed).strategy.pick(anyone)?.instance.id,
    );
    expect(new Set(starts).size).toBe(4);
  });
});
