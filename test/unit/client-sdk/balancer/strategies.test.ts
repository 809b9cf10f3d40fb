import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import {
  checkStrategyName,
  createStrategy,
  type StrategyName,
} from '../../../../client-sdk/src/balancer/strategies.ts';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import { endpoint, seededRandom } from '../fixtures.ts';

const names: StrategyName[] = ['round_robin', 'random', 'least_connections'];
const none = () => false;

function setUp(name: StrategyName, count: number, seed = 1) {
  const strategy = createStrategy(name, seededRandom(seed));
  const endpoints = Array.from({ length: count }, (_, i) => endpoint(`e${i}`));
  for (const each of endpoints) strategy.add(each);
  return { strategy, endpoints };
}

describe.each(names)('%s', (name) => {
  it('spreads picks over all', () => {
    const { strategy, endpoints } = setUp(name, 5);
    const counts = new Map(endpoints.map((each) => [each, 0]));
    for (let i = 0; i < 5000; i += 1) {
      const picked = strategy.pick(none) as Endpoint;
      counts.set(picked, (counts.get(picked) ?? 0) + 1);
    }
    for (const count of counts.values()) {
      expect(Math.abs(count - 1000)).toBeLessThanOrEqual(name === 'round_robin' ? 0 : 150);
    }
  });

  it('passes over what is excluded, and finds the only one that is not', () => {
    const { strategy, endpoints } = setUp(name, 5);
    for (const wanted of endpoints) {
      expect(strategy.pick((each) => each !== wanted)).toBe(wanted);
    }
    expect(strategy.pick(() => true)).toBeUndefined();
  });

  it('picks nothing when empty, and takes what is added and removed into account', () => {
    const { strategy, endpoints } = setUp(name, 2);
    const [first, second] = endpoints as [Endpoint, Endpoint];
    strategy.remove(first);
    for (let i = 0; i < 10; i += 1) expect(strategy.pick(none)).toBe(second);
    strategy.remove(second);
    expect(strategy.pick(none)).toBeUndefined();
    strategy.add(first);
    expect(strategy.pick(none)).toBe(first);
  });
});

describe('round_robin', () => {
  it('takes each in turn', () => {
    const { strategy, endpoints } = setUp('round_robin', 4);
    const lap = () => Array.from({ length: 4 }, () => strategy.pick(none));
    const first = lap();
    expect(new Set(first)).toEqual(new Set(endpoints));
    expect(lap()).toEqual(first);
  });

  it('does not begin with the same one in every client', () => {
    const starts = Array.from({ length: 50 }, (_, seed) =>
      setUp('round_robin', 4, seed).strategy.pick(none),
    );
    expect(new Set(starts.map((each) => each?.instance.id)).size).toBe(4);
  });
});

describe('checkStrategyName', () => {
  it.each(['', 'pick_first', 'toString', '__proto__'])('refuses %j', (name) => {
    expect(() => checkStrategyName('strategy', name)).toThrow(ConfigError);
  });
});
