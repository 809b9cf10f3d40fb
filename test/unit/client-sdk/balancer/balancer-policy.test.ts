import { describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { Subset } from '../../../../client-sdk/src/balancer/subset.ts';
import { breakerView } from '../../../../client-sdk/src/breaker/breaker-view.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import { breakerSettings, instance } from '../fixtures.ts';
import {
  balancer,
  begin,
  breakOnly,
  change,
  connectAll,
  endTurn,
  find,
  list,
  OK,
  pick,
  pickedIds,
  picksChanges,
  refusal,
  seen,
  told,
  useBalancer,
} from './balancer-harness.ts';

describe('what is known of the service', () => {
  it('lets calls wait for the first answer of the registry, or fail when it cannot be asked', () => {
    expect(refusal()).toEqual({ kind: 'wait' });
    balancer.discoveryFailed('the registry is away');
    expect(refusal()).toMatchObject({ kind: 'fail', message: 'the registry is away' });
    list();
    expect(refusal()).toMatchObject({ message: 'echo has no instances in the registry' });
    list(instance('a'));
    const changes = picksChanges;
    balancer.discoveryFailed('again');
    expect(picksChanges).toBe(changes);
    expect(balancer.knowledge).toMatchObject({ state: 'known' });
    expect(pickedIds()).toEqual(new Set(['a']));
  });

  it('B12: when all have weight 0 a call fails at once and says so', () => {
    list(instance('a', { weight: 0 }), instance('b', { weight: 0 }));
    expect(refusal()).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: false,
      lastEnd: undefined,
      message: 'no instance of echo takes this call ' + '(a has weight 0; b has weight 0)',
    });
    change({ put: [instance('b', { weight: 1, modRevision: 2n })] });
    expect(pickedIds()).toEqual(new Set(['b']));
  });
});

describe('the strategy', () => {
  it('is that of the call, if it asks for another, and knows all there is', () => {
    list(instance('a'), instance('b'), instance('c'));
    const keyed = (hashKey: string) =>
      pick(new CallRecord({ strategy: 'consistent_hash', hashKey })).endpoint.instance.id;
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
    const first = keys.map((key) => [keyed(key), endTurn()][0]);
    expect(new Set(first).size).toBe(3);
    expect(keys.map((key) => [keyed(key), endTurn()][0])).toEqual(first);
    change({ removed: [instance('a')] });
    for (const key of keys) expect(keyed(key)).not.toBe('a');
  });

  it.each(['', undefined, 'x'.repeat(1024 * 1024)])('B34: takes any hash key', (hashKey) => {
    useBalancer({ strategy: 'consistent_hash' });
    list(instance('a'), instance('b'));
    const started = process.hrtime.bigint();
    for (let i = 0; i < 100; i += 1) pick(new CallRecord({ hashKey })).abandon();
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(200);
  });

  it('can be changed under way; what is in flight ends as it would', () => {
    list(instance('a'), instance('b'));
    const attempts = [begin(), begin(), begin()];
    balancer.setPolicy(resolvePolicy({ strategy: 'round_robin' }));
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
    for (const attempt of attempts) attempt.end(OK);
    balancer.setPolicy(resolvePolicy({ strategy: 'least_connections' }));
    expect(new Set([begin(), begin()].map(({ endpoint }) => endpoint)).size).toBe(2);
  });
});

describe('a change of the breaker settings', () => {
  const other = () => ({ ...balancer.policy, breaker: { ...breakerSettings, failures: 2 } });

  it('gives every endpoint a new breaker, and tells that one is no longer open', async () => {
    list(instance('a'));
    await breakOnly();
    seen.length = 0;
    balancer.setPolicy(other());
    expect(seen).toEqual(['a: open -> closed']);
    expect(pickedIds()).toEqual(new Set(['a']));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(find('a').breaker.state).toBe('closed');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves those alone that were opened by hand', () => {
    list(instance('a'), instance('b'));
    breakerView('echo', find('a')).open();
    balancer.setPolicy(other());
    expect(find('a').breaker).toMatchObject({ state: 'open', isForced: true });
    expect(pickedIds()).toEqual(new Set(['b']));
  });

  it('leaves all alone when they are the same', async () => {
    list(instance('a'));
    await breakOnly();
    balancer.setPolicy({ ...balancer.policy, maxInFlight: 7 });
    expect(find('a').breaker.state).toBe('open');
  });
});

describe('an endpoint that is gone', () => {
  it('does not come back when its breaker is turned by hand', () => {
    list(instance('a'), instance('b'));
    const view = breakerView('echo', find('a'));
    list(instance('b'));
    view.open();
    view.close();
    expect(pickedIds()).toEqual(new Set(['b']));
    expect(balancer.placement.listedCount).toBe(1);
    expect(seen).toEqual([]);
  });

  it('may still be told of the end of its connection and its calls', () => {
    list(instance('a'));
    const a = find('a');
    const attempt = begin();
    list();
    balancer.setConnection(a, { state: 'connecting' });
    balancer.setConnection(a, { state: 'ready' });
    attempt.end(8, { restMs: 1000 });
    expect(a.inFlight).toBe(0);
    expect(balancer.canPick).toBe(false);
    expect(balancer.placement.sidelined.size).toBe(0);
  });
});

describe('slow start', () => {
  const shareOf = (id: string, picks = 1000) => {
    let count = 0;
    for (let i = 0; i < picks; i += 1) {
      if (pick().endpoint.instance.id === id) count += 1;
      endTurn();
    }
    return count / picks;
  };

  it('lets one that joins later grow into its share; the first ones have theirs at once', async () => {
    useBalancer({ strategy: 'round_robin', slowStartMs: 10_000 });
    list(instance('a'), instance('b'));
    expect(shareOf('a')).toBe(0.5);
    change({ put: [instance('c')] });
    connectAll();
    expect(shareOf('c')).toBeLessThan(0.06);
    await jest.advanceTimersByTimeAsync(5000);
    expect(Math.abs(shareOf('c') - 1 / 6)).toBeLessThan(0.04);
    await jest.advanceTimersByTimeAsync(5000);
    expect(Math.abs(shareOf('c') - 1 / 3)).toBeLessThan(0.01);
  });

  it('keeps no call waiting when the new one is all there is', () => {
    useBalancer({ slowStartMs: 10_000 });
    list();
    change({ put: [instance('a')] });
    connectAll();
    expect(shareOf('a', 100)).toBe(1);
  });

  it('is not for keys, which keep their place', () => {
    useBalancer({ strategy: 'consistent_hash', slowStartMs: 10_000 });
    list(instance('a'));
    change({ put: [instance('b')] });
    connectAll();
    const picks = Array.from({ length: 200 }, (_, i) => {
      const { id } = pick(new CallRecord({ hashKey: `key ${i}` })).endpoint.instance;
      endTurn();
      return id;
    });
    expect(picks.filter((id) => id === 'b').length).toBeGreaterThan(50);
  });
});

describe('a subset', () => {
  it('connects to a few of many and reports on all', () => {
    useBalancer({}, new Subset({ size: 5, from: 10, clientId: 'me' }));
    list(...Array.from({ length: 50 }, (_, i) => instance(`e${i}`)));
    expect([...balancer.endpoints]).toHaveLength(5);
    expect(told).toHaveLength(5);
    expect(balancer.size).toBe(50);
    expect(pickedIds().size).toBe(5);
  });
});
