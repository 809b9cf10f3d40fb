import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { createStrategy } from '../../../../client-sdk/src/balancer/strategies.ts';
import { ZoneAware } from '../../../../client-sdk/src/balancer/zone-aware.ts';
import { anyone, candidate, countPicks, environment, except, Ledger } from './strategy-fixtures.ts';

function setUp(zones: Record<string, number>, inner = 'round_robin') {
  const strategy = new ZoneAware('here', (where) => createStrategy(inner, where), environment());
  const endpoints = Object.entries(zones).flatMap(([zone, count]) =>
    Array.from({ length: count }, (_, i) => candidate(`${zone}-${i}`, { zone })),
  );
  for (const each of endpoints) strategy.listed(each);
  const ledger = new Ledger(strategy, endpoints);
  const here = endpoints.filter(({ instance }) => instance.zone === 'here');
  const there = endpoints.filter(({ instance }) => instance.zone !== 'here');
  return { strategy, ledger, here, there };
}

/** Share of 10,000 picks that stay in the zone `here`. */
function stay(strategy: ZoneAware): number {
  let own = 0;
  for (const [each, count] of countPicks(strategy, 10_000)) {
    if (each?.instance.zone === 'here') own += count;
  }
  return own / 10_000;
}

describe('ZoneAware', () => {
  it('stays in its own zone while seven of ten there are usable', () => {
    const { strategy, ledger, here } = setUp({ here: 10, there: 10, '': 10 });
    expect(stay(strategy)).toBe(1);
    for (const each of here.slice(0, 2)) ledger.toggle(each);
    expect(stay(strategy)).toBe(1);
  });

  it.each([
    [5, 0.7],
    [2, 0.28],
    [0, 0],
  ])('with %d of ten usable, keeps a share of %d', (usable, expected) => {
    const { strategy, ledger, here } = setUp({ here: 10, there: 10 });
    for (const each of here.slice(usable)) ledger.toggle(each);
    expect(Math.abs(stay(strategy) - expected)).toBeLessThan(0.02);
    for (const each of here.slice(usable)) ledger.toggle(each);
    expect(stay(strategy)).toBe(1);
  });

  it('shares out what neither side can carry', () => {
    const { strategy, ledger, here, there } = setUp({ here: 10, there: 10 });
    for (const each of [...here.slice(2), ...there.slice(2)]) ledger.toggle(each);
    expect(Math.abs(stay(strategy) - 0.5)).toBeLessThan(0.02);
  });

  it('does not take drained instances for broken ones', () => {
    const { strategy, ledger, here } = setUp({ here: 10, there: 10 });
    for (const each of here.slice(1)) {
      ledger.toggle(each);
      strategy.unlisted(each);
    }
    expect(stay(strategy)).toBe(1);
  });

  it('leaves the zone only when all is lost there, where nobody tells what is listed', () => {
    const { strategy, ledger, here, there } = setUp({ here: 3, there: 3 });
    for (const each of [...here, ...there]) strategy.unlisted(each);
    for (const each of here.slice(1)) ledger.toggle(each);
    expect(stay(strategy)).toBe(1);
    ledger.toggle(here[0] as Endpoint);
    expect(stay(strategy)).toBe(0);
  });

  it('falls to the other side for a call that has tried all of one', () => {
    const { strategy, ledger, here, there } = setUp({ here: 2, there: 2 });
    expect(there).toContain(strategy.pick(except(...here)));
    expect(strategy.pick(except(...here, ...there))).toBeUndefined();
    for (const each of here) ledger.toggle(each);
    expect(there).toContain(strategy.pick(anyone));
    expect(strategy.pick(except(...there))).toBeUndefined();
  });

  it('passes on what it is told to the side where the endpoint was added', () => {
    const { strategy, ledger, here } = setUp({ here: 3, there: 3 }, 'least_connections');
    for (let i = 0; i < 300; i += 1) ledger.start(strategy.pick(anyone) as Endpoint);
    expect(here.map(({ inFlight }) => inFlight)).toEqual([100, 100, 100]);
    const [moved] = here as [Endpoint];
    moved.instance = { ...moved.instance, zone: 'there' };
    while (ledger.calls.length > 0) ledger.end(0);
    ledger.toggle(moved);
    strategy.unlisted(moved);
    expect(stay(strategy)).toBe(1);
    expect(countPicks(strategy, 100).has(moved)).toBe(false);
  });

  it('tells a changed weight', () => {
    const { strategy, ledger, here } = setUp({ here: 2, there: 1 }, 'weighted_round_robin');
    ledger.setWeight(here[0] as Endpoint, 3);
    const count = countPicks(strategy, 400).get(here[0]) ?? 0;
    expect(Math.abs(count - 300)).toBeLessThanOrEqual(2);
  });
});
