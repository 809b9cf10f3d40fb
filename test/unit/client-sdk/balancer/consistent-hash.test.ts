import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ConsistentHash,
  MAX_KEY_LENGTH,
} from '../../../../client-sdk/src/balancer/consistent-hash.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { candidate, candidates, environment, keyed, Ledger } from './strategy-fixtures.ts';

const keys = Array.from({ length: 5000 }, (_, i) => `customer-${i}`);

function owners(strategy: ConsistentHash): Map<string, string | undefined> {
  return new Map(keys.map((key) => [key, strategy.pick(keyed(key))?.instance.id]));
}

function setUp(endpoints: readonly Endpoint[], seed = 1) {
  const strategy = new ConsistentHash(environment(seed));
  return { strategy, ledger: new Ledger(strategy, endpoints) };
}

function share(of: Map<string, string | undefined>, id: string): number {
  return [...of.values()].filter((owner) => owner === id).length / of.size;
}

describe('ConsistentHash', () => {
  it('picks the same for the same key in every client, in whatever order it learnt of them', () => {
    const order = fc.shuffledSubarray(candidates(20), { minLength: 20 });
    const expected = owners(setUp(candidates(20)).strategy);
    const run = (endpoints: Endpoint[], seed: number) => {
      const { strategy } = setUp(endpoints, seed);
      expect(owners(strategy)).toEqual(expected);
    };
    fc.assert(fc.property(order, fc.nat(), run), { numRuns: 20 });
  });

  it('moves only the keys of the one that leaves, at most 1.3 / n, and gives them back', () => {
    const run = (count: number, which: number) => {
      const endpoints = candidates(count);
      const { strategy, ledger } = setUp(endpoints);
      const before = owners(strategy);
      const leaving = endpoints[which % count] as Endpoint;
      ledger.toggle(leaving);
      const after = owners(strategy);
      const moved = keys.filter((key) => before.get(key) !== after.get(key));
      expect(new Set(moved.map((key) => before.get(key)))).toEqual(new Set([leaving.instance.id]));
      expect(moved.length / keys.length).toBeLessThanOrEqual(1.3 / count);
      ledger.toggle(leaving);
      expect(owners(strategy)).toEqual(before);
    };
    // How even a ring is depends on the ids: the same draws each time.
    fc.assert(fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), run), {
      numRuns: 20,
      seed: 7,
    });
  });

  it('gives a restarted instance its keys back', () => {
    const endpoints = candidates(10);
    const { strategy, ledger } = setUp(endpoints);
    const before = owners(strategy);
    ledger.toggle(candidate('e3', { incarnation: 'again', address: { host: 'b', port: 2 } }));
    ledger.toggle(endpoints[3] as Endpoint);
    expect(owners(strategy)).toEqual(before);
  });

  it('gives the next instance in a slot the keys of the one before, under another id', () => {
    const inSlot = (number: number, id: string) =>
      candidate(id, { metadata: new Map([['weft.slot', `user-service-${number}`]]) });
    const first = Array.from({ length: 10 }, (_, i) => inSlot(i, `user-service-${i}-old`));
    const { strategy, ledger } = setUp(first);
    const slotOf = (id: string | undefined) => id?.slice(0, 'user-service-0'.length);
    const before = [...owners(strategy).values()].map(slotOf);
    for (const [i, old] of first.entries()) {
      ledger.toggle(inSlot(i, `user-service-${i}-${17 * i}new`));
      expect([...owners(strategy).values()].map(slotOf)).toEqual(before);
      ledger.toggle(old);
      expect([...owners(strategy).values()].map(slotOf)).toEqual(before);
    }
  });

  it('shares the keys of a slot that two instances claim evenly, the same in every client', () => {
    const inSlot = (id: string) => candidate(id, { metadata: new Map([['weft.slot', 'one']]) });
    const twins = [inSlot('a'), inSlot('b')];
    const found = owners(setUp(twins).strategy);
    expect(owners(setUp(twins.toReversed()).strategy)).toEqual(found);
    expect(share(found, 'a')).toBeGreaterThan(0.4);
    expect(share(found, 'a')).toBeLessThan(0.6);
    const { strategy, ledger } = setUp(twins);
    ledger.toggle(twins[0] as Endpoint);
    expect(share(owners(strategy), 'b')).toBe(1);
    ledger.toggle(twins[0] as Endpoint);
    expect(owners(strategy)).toEqual(found);
  });

  it('goes by the id of an instance without a slot, as clients before slots did', () => {
    const before = owners(setUp(candidates(3)).strategy);
    const named = ['e0', 'e1', 'e2'].map((slot, i) =>
      candidate(`any-${i}`, { metadata: new Map([['weft.slot', slot]]) }),
    );
    const after = owners(setUp(named).strategy);
    for (const [key, id] of before) expect(after.get(key)).toBe(id?.replace('e', 'any-'));
    expect(
      owners(setUp(candidates(3, { metadata: new Map([['weft.slot', '']]) })).strategy),
    ).toEqual(before);
  });

  it('shares keys out by weight, and moves no more than a change asks for', () => {
    const endpoints = [1, 1, 2, 4].map((weight, i) => candidate(`e${i}`, { weight }));
    const { strategy, ledger } = setUp(endpoints);
    const before = owners(strategy);
    for (const { instance, weight } of endpoints) {
      expect(Math.abs(share(before, instance.id) / (weight / 8) - 1)).toBeLessThan(0.25);
    }
    ledger.setWeight(endpoints[0] as Endpoint, 2);
    const after = owners(strategy);
    const moved = keys.filter((key) => before.get(key) !== after.get(key));
    expect(new Set(moved.map((key) => after.get(key)))).toEqual(new Set(['e0']));
    ledger.setWeight(endpoints[0] as Endpoint, 1);
    expect(owners(strategy)).toEqual(before);
  });

  it('goes to the next on the ring for what is excluded, the same each time', () => {
    const endpoints = candidates(10);
    const { strategy, ledger } = setUp(endpoints);
    for (const key of keys.slice(0, 50)) {
      const first = strategy.pick(keyed(key)) as Endpoint;
      const second = strategy.pick(keyed(key, first));
      expect(second).not.toBe(first);
      ledger.toggle(first);
      expect(strategy.pick(keyed(key))).toBe(second);
      ledger.toggle(first);
    }
  });

  it('bounds the load: none has more than 1.25 times its share, however hot a key', () => {
    const weight = fc.integer({ min: 1, max: 5 });
    const run = (weights: number[], seed: number) => {
      const endpoints = weights.map((each, i) => candidate(`e${i}`, { weight: each }));
      const { strategy, ledger } = setUp(endpoints);
      const random = seededRandom(seed);
      const sum = weights.reduce((a, b) => a + b);
      for (let i = 0; i < 500; i += 1) {
        if (random() < 0.3) ledger.end(Math.floor(random() * ledger.calls.length));
        const key = random() < 0.7 ? 'hot' : `cold-${i}`;
        const picked = strategy.pick(keyed(key)) as Endpoint;
        ledger.start(picked);
        const bound = Math.ceil((1.25 * ledger.calls.length * picked.weight) / sum);
        expect(picked.inFlight).toBeLessThanOrEqual(bound);
      }
    };
    fc.assert(fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), fc.nat(), run), {
      numRuns: 30,
    });
  });

  it('counts calls of one that comes and goes only while it is there', () => {
    const endpoints = candidates(2);
    const [first, second] = endpoints as [Endpoint, Endpoint];
    const { strategy, ledger } = setUp(endpoints);
    for (let i = 0; i < 100; i += 1) ledger.start(first);
    ledger.toggle(first);
    for (let i = 0; i < 50; i += 1) ledger.end(0);
    ledger.toggle(first);
    // 50 and 0 in flight: the bound is 32, whatever the key.
    for (const key of keys.slice(0, 50)) expect(strategy.pick(keyed(key))).toBe(second);
    while (ledger.calls.length > 0) ledger.end(0);
    expect(new Set(keys.slice(0, 50).map((key) => strategy.pick(keyed(key)))).size).toBe(2);
  });

  it('takes anyone for a call without a key, or with an empty one (B34)', () => {
    const { strategy } = setUp(candidates(3));
    const noKey = { hashKey: undefined, isExcluded: () => false };
    for (const request of [noKey, keyed('')]) {
      const picked = Array.from({ length: 100 }, () => strategy.pick(request));
      expect(new Set(picked).size).toBe(3);
    }
  });

  it('goes by the first 1024 characters of a longer key (B34)', () => {
    const { strategy } = setUp(candidates(50));
    const start = 'k'.repeat(MAX_KEY_LENGTH);
    const picked = ['', 'a', 'b'.repeat(1_000_000)].map((rest) =>
      strategy.pick(keyed(start + rest)),
    );
    expect(new Set(picked).size).toBe(1);
    const shorter = Array.from({ length: 50 }, (_, i) => strategy.pick(keyed(start.slice(i + 1))));
    expect(new Set(shorter).size).toBeGreaterThan(1);
  });

  it('finds the only one left even where the ring is mostly excluded', () => {
    const endpoints = candidates(500, { weight: 5 });
    const tiny = candidate('tiny', { weight: 0.001 });
    const { strategy } = setUp([...endpoints, tiny]);
    const others = new Set(endpoints);
    const request = { hashKey: 'key', isExcluded: (each: Endpoint) => others.has(each) };
    expect(strategy.pick(request)).toBe(tiny);
  });
});
