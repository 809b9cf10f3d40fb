import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { TICK_MS } from '../../../../client-sdk/src/balancer/health-monitor.ts';
import { instance } from '../fixtures.ts';
import {
  balancer,
  begin,
  beginAt,
  callAt,
  change,
  find,
  INTERNAL,
  list,
  OK,
  pickedIds,
  seen,
  useBalancer,
} from './balancer-harness.ts';

/** Without breakers, which would open first. */
const lenient = { breaker: { failures: 1000 } };

function instances(count: number) {
  return Array.from({ length: count }, (_, i) => instance(`e${i}`));
}

beforeEach(() => useBalancer(lenient));

describe('failures in a row', () => {
  it('eject an instance at the fifth, for ten seconds', async () => {
    list(instance('a'), instance('b'));
    await callAt('a', INTERNAL, 4);
    await callAt('a', OK);
    await callAt('a', INTERNAL, 4);
    expect(seen).toEqual([]);
    await callAt('a', INTERNAL);
    expect(seen).toEqual(['a: failures in a row, 10000 ms']);
    expect(pickedIds()).toEqual(new Set(['b']));
    await jest.advanceTimersByTimeAsync(10_000 + TICK_MS);
    expect(seen).toEqual(['a: failures in a row, 10000 ms', 'a: returned']);
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
  });

  it('do not when ejection is switched off, while the policy changes or from the start', async () => {
    list(instance('a'), instance('b'));
    await callAt('a', INTERNAL, 3);
    balancer.setPolicy({ ...balancer.policy, outlierEjection: undefined });
    await callAt('a', INTERNAL, 20);
    expect(seen).toEqual([]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('end ejection early when the probe of its breaker succeeds', async () => {
    useBalancer({ breaker: { failures: 5, resetMs: 2000 } });
    list(instance('a'), instance('b'), instance('c'));
    await callAt('a', INTERNAL, 5);
    expect(seen).toEqual(['a: failures in a row, 10000 ms', 'a: closed -> open']);
    await jest.advanceTimersByTimeAsync(2000);
    await callAt('a', OK);
    expect(seen.slice(2)).toEqual([
      'a: open -> half-open',
      'a: returned',
      'a: half-open -> closed',
    ]);
    expect(pickedIds()).toEqual(new Set(['a', 'b', 'c']));
  });
});

describe('the success rate', () => {
  it.each([2, 3, 6, 10])(
    'ejects the one bad among %i at the end of the interval',
    async (count) => {
      list(...instances(count));
      await jest.advanceTimersByTimeAsync(TICK_MS);
      for (let round = 0; round < 6; round += 1) {
        for (let i = 0; i < count; i += 1) await callAt(`e${i}`, OK);
        await callAt('e0', INTERNAL);
        await jest.advanceTimersByTimeAsync(TICK_MS);
      }
      await jest.advanceTimersByTimeAsync(6000);
      expect(seen).toEqual(['e0: success rate, 10000 ms']);
      expect(pickedIds().has('e0')).toBe(false);
      await jest.advanceTimersByTimeAsync(10_000);
      expect(pickedIds().has('e0')).toBe(true);
    },
  );
});

describe('the share that may be ejected (F9)', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [9, 4],
  ])('of %i instances that all fail, %i at most', async (count, ejected) => {
    useBalancer({ ...lenient, panicThreshold: 0 });
    list(...instances(count));
    for (let i = 0; i < count; i += 1) await callAt(`e${i}`, INTERNAL, 5);
    expect(seen).toHaveLength(ejected);
    expect(pickedIds().size).toBe(count - ejected);
  });

  it('is one at least, however small the share', async () => {
    useBalancer({ ...lenient, outlierEjection: { maxEjectedShare: 0 } });
    list(...instances(4));
    await callAt('e0', INTERNAL, 5);
    await callAt('e1', INTERNAL, 5);
    expect(seen).toEqual(['e0: failures in a row, 10000 ms']);
  });

  it('counts one that has left no longer', async () => {
    list(instance('a'), instance('b'), instance('c'));
    await callAt('a', INTERNAL, 5);
    await callAt('b', INTERNAL, 5);
    expect(seen).toHaveLength(1);
    list(instance('b'), instance('c'));
    await callAt('b', INTERNAL, 1);
    expect(seen[1]).toBe('b: failures in a row, 10000 ms');
  });
});

describe('the time of an ejection (F9)', () => {
  it('grows while it fails each time it is back, by failures in a row', async () => {
    list(instance('a'), instance('b'));
    for (let round = 0; round < 4; round += 1) {
      await callAt('a', INTERNAL, 5);
      await jest.advanceTimersByTimeAsync((round + 1) * 10_000 + TICK_MS);
    }
    expect(seen.filter((what) => what !== 'a: returned')).toEqual([
      'a: failures in a row, 10000 ms',
      'a: failures in a row, 20000 ms',
      'a: failures in a row, 30000 ms',
      'a: failures in a row, 40000 ms',
    ]);
  });

  it('grows by the success rate as well, and decays when it fares well', async () => {
    list(instance('a'), instance('b'));
    const run = async (ms: number, ofA: readonly number[]) => {
      for (let passed = 0; passed < ms; passed += TICK_MS) {
        await callAt('b', OK);
        if (find('a').ejectedUntil === 0) for (const code of ofA) await callAt('a', code);
        await jest.advanceTimersByTimeAsync(TICK_MS);
      }
    };
    await run(60_000, [INTERNAL, OK]);
    const ejections = () => seen.filter((what) => what !== 'a: returned');
    expect(ejections()).toEqual([
      'a: success rate, 10000 ms',
      'a: success rate, 20000 ms',
      'a: success rate, 30000 ms',
    ]);
    await run(90_000, [OK]);
    await run(10_000, [INTERNAL, OK]);
    expect(ejections().at(-1)).toBe('a: success rate, 10000 ms');
  });
});

describe('an instance that asks to be left alone', () => {
  it('rests for as long as it said, the longest if it said so twice, and is no failure', () => {
    list(instance('a'), instance('b'));
    const [first, second] = [begin(), begin()];
    expect(new Set([first.endpoint, second.endpoint]).size).toBe(2);
    first.end(8, { details: 'overloaded', restMs: 3000 });
    const { id } = first.endpoint.instance;
    expect(seen).toEqual([`${id}: overloaded, 3000 ms`]);
    expect(pickedIds().has(id)).toBe(false);
    second.end(OK);
    jest.advanceTimersByTime(3000 - TICK_MS);
    expect(pickedIds().has(id)).toBe(false);
    jest.advanceTimersByTime(2 * TICK_MS);
    expect(pickedIds().has(id)).toBe(true);
  });

  it('is left alone also when all do: calls fail at once, and say why', () => {
    list(instance('a'), instance('b'));
    for (const attempt of [begin(), begin()])
      attempt.end(8, { details: 'overloaded', restMs: 3000 });
    expect(balancer.pick(new CallRecord())).toMatchObject({
      kind: 'fail',
      code: 'RESOURCE_EXHAUSTED',
      isFinal: true,
      message: expect.stringContaining('a is overloaded and asks to be left alone'),
    });
    jest.advanceTimersByTime(3000 + TICK_MS);
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
    expect(seen.slice(2).sort()).toEqual(['a: returned', 'b: returned']);
  });
});

describe('an open breaker in panic (F8)', () => {
  it('is probed early, a second after it opened, and the service is back', async () => {
    useBalancer();
    list(instance('a'), instance('b'));
    await callAt('a', INTERNAL, 5);
    await callAt('b', INTERNAL, 5);
    expect(balancer.canPick).toBe(false);
    await jest.advanceTimersByTimeAsync(999);
    expect(balancer.canPick).toBe(false);
    await jest.advanceTimersByTimeAsync(TICK_MS);
    expect(balancer.placement.halfOpen.size).toBe(2);
    await callAt('a', OK);
    expect(find('a').isPickable).toBe(true);
  });

  it('is probed again a second after a probe failed', async () => {
    useBalancer();
    list(instance('a'));
    await callAt('a', INTERNAL, 5);
    for (let round = 0; round < 5; round += 1) {
      await jest.advanceTimersByTimeAsync(1000 + 2 * TICK_MS);
      await callAt('a', INTERNAL);
      expect(balancer.canPick).toBe(false);
    }
  });

  it('is probed early too when the panic begins long after the last call', async () => {
    useBalancer();
    list(instance('a'), instance('b'));
    await callAt('a', INTERNAL, 5);
    await jest.advanceTimersByTimeAsync(30_000);
    balancer.setConnection(find('b'), { state: 'failing', error: 'refused' });
    expect(balancer.explain().kind).toBe('fail');
    await expect(callAt('a', OK)).rejects.toThrow('breaker of a is open');
    await jest.advanceTimersByTimeAsync(2 * TICK_MS);
    await callAt('a', OK);
    expect(find('a').breaker.state).toBe('closed');
  });

  it('is probed early once more when the others have ended the panic, and then no more', async () => {
    useBalancer();
    list(instance('a'), instance('b'), instance('c'));
    for (const id of ['a', 'b', 'c']) await callAt(id, INTERNAL, 5);
    await jest.advanceTimersByTimeAsync(1000 + TICK_MS);
    // Its probe fails, and only then are the others well.
    await callAt('c', INTERNAL);
    await callAt('a', OK);
    await callAt('b', OK);
    expect(balancer.placement.isPanicking).toBe(false);
    await jest.advanceTimersByTimeAsync(1000 + 2 * TICK_MS);
    await callAt('c', INTERNAL);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(find('c').breaker.state).toBe('open');
  });

  it('is probed early after a panic whose end came before the end of its probe', async () => {
    useBalancer();
    list(instance('a'), instance('b'), instance('c'));
    for (const id of ['a', 'b', 'c']) await callAt(id, INTERNAL, 5);
    await jest.advanceTimersByTimeAsync(1000 + TICK_MS);
    const probe = beginAt('c');
    await callAt('a', OK);
    await callAt('b', OK);
    expect(balancer.placement.isPanicking).toBe(false);
    probe.end(INTERNAL);
    await jest.advanceTimersByTimeAsync(1000 + 2 * TICK_MS);
    await callAt('c', OK);
    expect(find('c').breaker.state).toBe('closed');
  });

  it('is not when enough of the others are well, or when it was opened by hand', async () => {
    useBalancer();
    list(instance('a'), instance('b'));
    await callAt('a', INTERNAL, 5);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(find('a').breaker.state).toBe('open');
    change({ removed: [instance('b')] });
    find('a').breaker.close();
    find('a').breaker.open();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(find('a').breaker.state).toBe('open');
  });
});

describe('the ticks', () => {
  it('rest when there is nothing to look at', async () => {
    list(instance('a'), instance('b'));
    expect(jest.getTimerCount()).toBe(0);
    await callAt('a', OK);
    expect(jest.getTimerCount()).toBe(2);
    // Until it is no longer known how fast answers are, by which a call that hangs would be judged.
    await jest.advanceTimersByTimeAsync(61_000);
    expect(jest.getTimerCount()).toBe(0);
    const attempt = begin();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(jest.getTimerCount()).toBe(1);
    attempt.end(OK);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
