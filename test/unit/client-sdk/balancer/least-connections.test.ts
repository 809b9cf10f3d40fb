import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { LeastConnections } from '../../../../client-sdk/src/balancer/least-connections.ts';
import { endpoint, seededRandom } from '../fixtures.ts';

/** Does what the balancer does: counts first, then tells a strategy that knows the endpoint. */
class Ledger {
  readonly strategy: LeastConnections;
  readonly known = new Set<Endpoint>();
  readonly calls: Endpoint[] = [];

  constructor(random: () => number) {
    this.strategy = new LeastConnections(random);
  }

  toggle(each: Endpoint): void {
    if (this.known.delete(each)) {
      this.strategy.remove(each);
      return;
    }
    this.known.add(each);
    this.strategy.add(each);
  }

  start(each: Endpoint): void {
    this.calls.push(each);
    each.inFlight += 1;
    if (this.known.has(each)) this.strategy.started(each);
  }

  end(index: number): void {
    const [each] = this.calls.splice(index, 1);
    if (each === undefined) return;
    each.inFlight -= 1;
    if (this.known.has(each)) this.strategy.ended(each);
  }
}

function fewest(endpoints: Iterable<Endpoint>): number {
  return Math.min(...[...endpoints].map(({ inFlight }) => inFlight));
}

describe('LeastConnections', () => {
  it.each([1, 2, 3, 4, 5])('picks exactly what a full search would (seed %d)', (seed) => {
    const random = seededRandom(seed);
    const endpoints = Array.from({ length: 12 }, (_, i) => endpoint(`e${i}`));
    const ledger = new Ledger(random);
    for (let step = 0; step < 4000; step += 1) {
      const anyone = endpoints[Math.floor(random() * endpoints.length)] as Endpoint;
      const chance = random();
      // Load rises in one half of each thousand steps and falls in the other.
      const isRising = step % 1000 < 500;
      if (chance < 0.05) ledger.toggle(anyone);
      else if (chance < (isRising ? 0.35 : 0.75))
        ledger.end(Math.floor(random() * ledger.calls.length));
      else if (chance < 0.8) ledger.start(anyone);
      const excluded = random() < 0.3 ? anyone : undefined;
      const candidates = [...ledger.known].filter((each) => each !== excluded);
      const picked = ledger.strategy.pick((each) => each === excluded);
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
    const ledger = new Ledger(random);
    const endpoints = Array.from({ length: 10 }, (_, i) => endpoint(`e${i}`));
    for (const each of endpoints) ledger.toggle(each);
    for (let i = 0; i < 1000; i += 1) ledger.start(ledger.strategy.pick(() => false) as Endpoint);
    expect(endpoints.map(({ inFlight }) => inFlight)).toEqual(Array(10).fill(100));
  });

  it('takes one of those with as few by chance', () => {
    const ledger = new Ledger(seededRandom(8));
    for (let i = 0; i < 4; i += 1) ledger.toggle(endpoint(`e${i}`));
    const picked = Array.from({ length: 100 }, () => ledger.strategy.pick(() => false));
    expect(new Set(picked).size).toBe(4);
  });

  it('takes in an endpoint that has calls in flight from before', () => {
    const ledger = new Ledger(seededRandom(9));
    const [busy, idle] = [endpoint('busy'), endpoint('idle')];
    for (let i = 0; i < 5; i += 1) ledger.start(busy);
    ledger.toggle(busy);
    expect(ledger.strategy.pick(() => false)).toBe(busy);
    ledger.toggle(idle);
    expect(ledger.strategy.pick(() => false)).toBe(idle);
    while (ledger.calls.length > 0) ledger.end(0);
    ledger.start(idle);
    expect(ledger.strategy.pick(() => false)).toBe(busy);
  });
});
