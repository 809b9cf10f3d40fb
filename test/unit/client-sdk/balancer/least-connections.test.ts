import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { LeastConnections } from '../../../../client-sdk/src/balancer/least-connections.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { anyone, candidate, candidates, except, Ledger } from './strategy-fixtures.ts';

function fewest(endpoints: Iterable<Endpoint>): number {
  return Math.min(...[...endpoints].map(({ inFlight }) => inFlight));
}

describe('LeastConnections', () => {
  it.each([1, 2, 3, 4, 5])('picks exactly what a full search would (seed %d)', (seed) => {
    const random = seededRandom(seed);
    const endpoints = candidates(12);
    const ledger = new Ledger(new LeastConnections({ random }));
    for (let step = 0; step < 4000; step += 1) {
      const someone = endpoints[Math.floor(random() * endpoints.length)] as Endpoint;
      const chance = random();
      // Load rises in one half of each thousand steps and falls in the other.
      const isRising = step % 1000 < 500;
      if (chance < 0.05) ledger.toggle(someone);
      else if (chance < (isRising ? 0.35 : 0.75))
        ledger.end(Math.floor(random() * ledger.calls.length));
      else if (chance < 0.8) ledger.start(someone);
      const excluded = random() < 0.3 ? someone : undefined;
      const candidates = [...ledger.known].filter((each) => each !== excluded);
      const picked = ledger.strategy.pick(excluded ? except(excluded) : anyone);
      if (candidates.length === 0) {
        expect(picked).toBeUndefined();
        continue;
      }
      if (picked === undefined) throw new Error(`step ${step}: nothing was picked`);
      expect(candidates).toContain(picked);
      expect(picked.inFlight).toBe(fewest(candidates));
      if (random() < 0.5) ledger.start(picked);
    }
  });

  it('keeps counts level when every call stays open', () => {
    const random = seededRandom(7);
    const ledger = new Ledger(new LeastConnections({ random }));
    const endpoints = candidates(10);
    for (const each of endpoints) ledger.toggle(each);
    for (let i = 0; i < 1000; i += 1) ledger.start(ledger.strategy.pick(anyone) as Endpoint);
    expect(endpoints.map(({ inFlight }) => inFlight)).toEqual(Array(10).fill(100));
  });

  it('takes one of those with as few by chance', () => {
    const ledger = new Ledger(new LeastConnections({ random: seededRandom(8) }));
    for (let i = 0; i < 4; i += 1) ledger.toggle(candidate(`e${i}`));
    const picked = Array.from({ length: 100 }, () => ledger.strategy.pick(anyone));
    expect(new Set(picked).size).toBe(4);
  });

  it('takes in an endpoint that has calls in flight from before', () => {
    const ledger = new Ledger(new LeastConnections({ random: seededRandom(9) }));
    const [busy, idle] = [candidate('busy'), candidate('idle')];
    for (let i = 0; i < 5; i += 1) ledger.start(busy);
    ledger.toggle(busy);
    expect(ledger.strategy.pick(anyone)).toBe(busy);
    ledger.toggle(idle);
    expect(ledger.strategy.pick(anyone)).toBe(idle);
    while (ledger.calls.length > 0) ledger.end(0);
    ledger.start(idle);
    expect(ledger.strategy.pick(anyone)).toBe(busy);
  });
});
