import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import {
  checkStrategyName,
  createStrategy,
  registerStrategy,
  type StrategyName,
} from '../../../../client-sdk/src/balancer/strategies.ts';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import {
  anyone,
  candidate,
  candidates,
  countPicks,
  environment,
  except,
  keyed,
  Ledger,
  only,
} from './strategy-fixtures.ts';

const names: StrategyName[] = [
  'round_robin',
  'random',
  'least_connections',
  'weighted_round_robin',
  'p2c_ewma',
  'consistent_hash',
];

function setUp(name: StrategyName, count: number, seed = 1) {
  const strategy = createStrategy(name, environment(seed));
  const endpoints = candidates(count);
  for (const each of endpoints) strategy.add(each);
  return { strategy, endpoints };
}

describe.each(names)('%s', (name) => {
  it('spreads picks over all', () => {
    const { strategy, endpoints } = setUp(name, 5);
    const counts = countPicks(strategy, 5000);
    const isExact = name.endsWith('round_robin');
    for (const each of endpoints) {
      expect(Math.abs((counts.get(each) ?? 0) - 1000)).toBeLessThanOrEqual(isExact ? 0 : 150);
    }
  });

  it('passes over what is excluded, and finds the only one that is not', () => {
    const { strategy, endpoints } = setUp(name, 5);
    for (const wanted of endpoints) expect(strategy.pick(only(wanted))).toBe(wanted);
    expect(strategy.pick(except(...endpoints))).toBeUndefined();
    expect(strategy.pick(keyed('key', ...endpoints))).toBeUndefined();
  });

  it('picks nothing when empty, and takes what is added and removed into account', () => {
    const { strategy, endpoints } = setUp(name, 2);
    const [first, second] = endpoints as [Endpoint, Endpoint];
    strategy.remove(first);
    for (let i = 0; i < 10; i += 1) expect(strategy.pick(anyone)).toBe(second);
    strategy.remove(second);
    expect(strategy.pick(anyone)).toBeUndefined();
    expect(strategy.pick(keyed('key'))).toBeUndefined();
    strategy.add(first);
    expect(strategy.pick(anyone)).toBe(first);
    expect(strategy.pick(keyed('key'))).toBe(first);
  });

  it('over any course of events never picks one that is excluded or gone while another is there', () => {
    const step = fc.record({
      what: fc.constantFrom('toggle', 'pick', 'pick', 'pick', 'end', 'weight', 'slow', 'fail'),
      which: fc.nat(11),
      excluded: fc.array(fc.nat(11), { maxLength: 12 }),
      weight: fc.double({ min: 0.001, max: 50, noNaN: true }),
      key: fc.option(fc.string(), { nil: undefined }),
    });
    const run = (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) => {
      let now = 0;
      const pool = candidates(12);
      const all = (indices: number[]) => indices.map((index) => pool[index] as Endpoint);
      const ledger = new Ledger(
        createStrategy(
          name,
          environment(1, () => now),
        ),
        pool.slice(0, 6),
      );
      for (const { what, which, excluded, weight, key } of steps) {
        now += 10;
        const [each] = all([which]) as [Endpoint];
        if (what === 'toggle') ledger.toggle(each);
        else if (what === 'weight') ledger.setWeight(each, weight);
        else if (what === 'end') ledger.end(which % Math.max(1, ledger.calls.length));
        else if (what === 'slow' || what === 'fail') {
          each.latency.started(now);
          if (what === 'slow') each.latency.ended(now, now, weight * 100);
          else each.latency.failed(now, now);
        } else {
          const left = new Set(ledger.known);
          for (const other of all(excluded)) left.delete(other);
          const picked = ledger.strategy.pick({ ...except(...all(excluded)), hashKey: key });
          if (left.size === 0) expect(picked).toBeUndefined();
          else expect(left).toContain(picked);
          if (picked !== undefined) ledger.start(picked);
        }
      }
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), run), { numRuns: 60 });
  });
});

describe.each<[StrategyName, boolean]>([
  ['round_robin', false],
  ['random', false],
  ['weighted_round_robin', true],
])('%s over 100,000 picks', (name, isWeighted) => {
  it('gives each its share within 2 %, whatever the weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });
    const run = (drawn: number[], seed: number) => {
      const strategy = createStrategy(name, environment(seed));
      const endpoints = drawn.map((weight, i) => candidate(`e${i}`, { weight }));
      for (const each of endpoints) strategy.add(each);
      const counts = countPicks(strategy, 100_000);
      const sum = isWeighted ? drawn.reduce((a, b) => a + b) : drawn.length;
      for (const each of endpoints) {
        const share = (100_000 * (isWeighted ? each.weight : 1)) / sum;
        expect(Math.abs((counts.get(each) ?? 0) - share) / share).toBeLessThan(0.02);
      }
    };
    // Random picks stray by chance: the same draws each time.
    fc.assert(fc.property(weights, fc.nat(), run), { numRuns: 20, seed: 1 });
  });
});

describe('round_robin', () => {
  it('takes each in turn', () => {
    const { strategy, endpoints } = setUp('round_robin', 4);
    const lap = () => Array.from({ length: 4 }, () => strategy.pick(anyone));
    const first = lap();
    expect(new Set(first)).toEqual(new Set(endpoints));
    expect(lap()).toEqual(first);
  });

  it('does not begin with the same one in every client', () => {
    const starts = Array.from({ length: 50 }, (_, seed) =>
      setUp('round_robin', 4, seed).strategy.pick(anyone),
    );
    expect(new Set(starts.map((each) => each?.instance.id)).size).toBe(4);
  });
});

describe('checkStrategyName', () => {
  it.each(['', 'pick_first', 'toString', '__proto__'])('refuses %j', (name) => {
    expect(() => checkStrategyName('strategy', name)).toThrow(ConfigError);
    expect(() => createStrategy(name, environment())).toThrow(ConfigError);
  });

  it.each(names)('lets %s pass', (name) => {
    expect(() => checkStrategyName('strategy', name)).not.toThrow();
  });
});

describe('registerStrategy', () => {
  it('makes a strategy of the user known, with the clock and randomness of its place', () => {
    const newest: Endpoint[] = [];
    const given: unknown[] = [];
    registerStrategy('newest_first', (where) => {
      given.push(where);
      return {
        add: (each) => void newest.unshift(each),
        remove: (each) => void newest.splice(newest.indexOf(each), 1),
        pick: (request) => newest.find((each) => !request.isExcluded(each)),
      };
    });
    expect(() => checkStrategyName('strategy', 'newest_first')).not.toThrow();
    const where = environment();
    const strategy = createStrategy('newest_first', where);
    expect(given).toEqual([where]);
    const [first, second] = candidates(2) as [Endpoint, Endpoint];
    strategy.add(first);
    strategy.add(second);
    expect(strategy.pick(anyone)).toBe(second);
    expect(strategy.pick(except(second))).toBe(first);
  });

  it.each(['round_robin', 'Capital', '', 'has-dash', '1st'])('refuses %j', (name) => {
    const { strategy } = setUp('random', 1);
    expect(() => registerStrategy(name, () => strategy)).toThrow(ConfigError);
  });
});
