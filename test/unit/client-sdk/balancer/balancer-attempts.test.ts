import { describe, expect, it, jest } from '@jest/globals';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { breakerSettings, instance, sentAttempt, settle } from '../fixtures.ts';

import {
  balancer,
  breakOnly,
  call,
  endTurn,
  find,
  INTERNAL,
  list,
  NOT_FOUND,
  OK,
  pick,
  pickedIds,
  picksChanges,
  UNAVAILABLE,
} from './balancer-harness.ts';

describe('a call that gRPC cannot start (K1)', () => {
  it('is picked for five times in a turn, and ends then', () => {
    list(...Array.from({ length: 8 }, (_, i) => instance(`i${i}`)));
    const record = new CallRecord();
    for (let i = 0; i < 5; i += 1) pick(record);
    expect(balancer.pick(record)).toMatchObject({
      kind: 'fail',
      isFinal: true,
      message: 'a call to echo could not be started on 5 connections',
    });
    endTurn();
    expect(balancer.inFlight).toBe(0);
    expect(record.attempts).toEqual([]);
  });
});

describe('a stream (K2)', () => {
  it('ends the probe of a half-open breaker with its first response', async () => {
    list(instance('a'));
    await breakOnly();
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    expect(find('a').breaker.state).toBe('half-open');
    const stream = pick();
    stream.start();
    stream.responded();
    await settle();
    expect(find('a').breaker.state).toBe('closed');
    stream.end(UNAVAILABLE);
    expect(find('a').breaker.failures).toBe(0);
  });

  it('counts as a success once a second while it yields responses', async () => {
    list(instance('a'));
    const stream = pick();
    stream.start();
    for (let second = 0; second < 5; second += 1) {
      for (let i = 0; i < 10; i += 1) stream.responded();
      await jest.advanceTimersByTimeAsync(1000);
    }
    // Five successes: as many failures are not more than half.
    await breakOnly();
    expect(find('a').breaker.state).toBe('closed');
    await call(INTERNAL);
    expect(find('a').breaker.state).toBe('open');
    stream.end(OK);
  });
});

describe('in-flight', () => {
  it('is taken once, at the pick, and released once', () => {
    list(instance('a'));
    const attempt = pick();
    expect(find('a').inFlight).toBe(1);
    attempt.start();
    endTurn();
    expect(find('a').inFlight).toBe(1);
    attempt.end(OK);
    attempt.end(UNAVAILABLE);
    expect(find('a').inFlight).toBe(0);
  });

  it('is released at the end of the turn when the pick was not sent, and retaken if it is later', () => {
    list(instance('a'));
    const attempt = pick();
    endTurn();
    expect(find('a').inFlight).toBe(0);
    attempt.end(OK);
    expect(find('a').inFlight).toBe(0);
    attempt.start();
    expect(find('a').inFlight).toBe(1);
    attempt.end(OK);
    expect(find('a').inFlight).toBe(0);
  });

  it('is released after its endpoint has left, was drained, or broke', async () => {
    list(instance('a'));
    const a = find('a');
    const attempts = Array.from({ length: 8 }, () => pick());
    for (const attempt of attempts) attempt.start();
    attempts[0]?.end(OK);
    list(instance('a', { weight: 0 }));
    attempts[1]?.end(OK);
    list(instance('a'));
    for (const attempt of attempts.slice(2, 7)) attempt.end(INTERNAL);
    await settle();
    expect(a.breaker.state).toBe('open');
    list();
    attempts[7]?.end(OK);
    expect(a.inFlight).toBe(0);
  });

  it('balances to zero over any course of events', async () => {
    const random = seededRandom(3);
    const any = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const seen = new Set<Endpoint>();
    let open: Attempt[] = [];
    for (let step = 0; step < 3000; step += 1) {
      const all = ['a', 'b', 'c', 'd'].map((id) =>
        instance(id, { weight: any([0, 1]), incarnation: `${id}-${any([1, 2])}` }),
      );
      if (step % 10 === 0) list(...all.filter(() => random() < 0.7));
      for (const each of balancer.endpoints) seen.add(each);
      const target = [...balancer.endpoints][0];
      if (target && random() < 0.1) {
        balancer.setConnection(target, { state: any(['ready', 'connecting']) });
      }
      const picked = balancer.pick(new CallRecord());
      if (picked.kind === 'attempt') {
        expect(picked.endpoint.isListedForCalls).toBe(true);
        expect(picked.endpoint.connection.state).toBe('ready');
        expect(picked.endpoint.breaker.state).not.toBe('open');
        if (random() < 0.8) {
          picked.start();
          open.push(picked);
        }
      }
      if (random() < 0.3) endTurn();
      if (random() < 0.5)
        open = open.filter((attempt) => attempt !== end(attempt, any([0, 0, 14])));
      if (step % 100 === 0) await jest.advanceTimersByTimeAsync(5000);
    }
    for (const attempt of open) attempt.end(OK);
    endTurn();
    expect([...seen].map(({ inFlight }) => inFlight).filter((count) => count !== 0)).toEqual([]);

    function end(attempt: Attempt, statusCode: number): Attempt | undefined {
      if (random() < 0.5) return undefined;
      attempt.end(statusCode);
      return attempt;
    }
  });
});

describe('an attempt that is excused', () => {
  const endAll = async (prepare: (attempt: Attempt) => void) => {
    for (let i = 0; i < 2 * breakerSettings.failures; i += 1) {
      const attempt = pick();
      attempt.start();
      prepare(attempt);
      attempt.end(UNAVAILABLE);
      await settle();
    }
    return find('a').breaker.state;
  };

  it('does not count against its endpoint, as any other does', async () => {
    list(instance('a'));
    expect(await endAll((attempt) => attempt.excuse())).toBe('closed');
    expect(find('a').breaker.failures).toBe(0);
    expect(balancer.inFlight).toBe(0);
    expect(find('a').inFlight).toBe(0);
  });

  it('is one that was refused unread as the connection ended', async () => {
    list(instance('a'));
    expect(await endAll((attempt) => attempt.refuse(true))).toBe('closed');
  });

  it('is none that was refused before it was sent', async () => {
    list(instance('a'));
    for (let i = 0; i < breakerSettings.failures; i += 1) {
      const attempt = pick();
      attempt.refuse(true);
      attempt.start();
      attempt.end(UNAVAILABLE);
      await settle();
    }
    expect(find('a').breaker.state).toBe('open');
  });
});

describe('breakers', () => {
  it('an open one takes its endpoint out of the picks', async () => {
    list(instance('a'));
    await breakOnly();
    expect(balancer.placement.pickableCount).toBe(0);
    expect(balancer.pick(new CallRecord())).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: true,
      lastEnd: undefined,
      message: 'no instance of echo takes this call (breaker of a is open)',
    });
    list(instance('a'), instance('b'));
    expect(pickedIds()).toEqual(new Set(['b']));
  });

  it('errors of the caller do not open it', async () => {
    list(instance('a'));
    for (let i = 0; i < 100; i += 1) await call(NOT_FOUND);
    expect(find('a').breaker.state).toBe('closed');
  });

  it('a half-open one gets one probe, from a first attempt, and the rest goes elsewhere', async () => {
    list(instance('a'));
    await breakOnly();
    list(instance('a'), instance('b'), instance('c'));
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    const retry = new CallRecord();
    sentAttempt(retry, find('b'));
    expect(pick(retry).endpoint).toBe(find('c'));
    const probe = pick();
    expect(probe.endpoint).toBe(find('a'));
    probe.start();
    expect(pickedIds()).toEqual(new Set(['b', 'c']));
    probe.end(OK);
    await settle();
    expect(pickedIds()).toEqual(new Set(['a', 'b', 'c']));
  });

  it('a half-open one alone: further calls fail and say so', async () => {
    list(instance('a'));
    await breakOnly();
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    expect(balancer.canPick).toBe(true);
    expect(balancer.placement.halfOpen.size).toBe(1);
    const probe = pick();
    probe.start();
    expect(balancer.pick(new CallRecord())).toMatchObject({
      kind: 'fail',
      message: expect.stringContaining('breaker of a is half-open'),
    });
    probe.end(INTERNAL);
    await settle();
    expect(balancer.pick(new CallRecord())).toMatchObject({
      message: expect.stringContaining('breaker of a is open'),
    });
  });

  it('a half-open one that is not connected or drains is not probed', async () => {
    list(instance('a'));
    await breakOnly();
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    balancer.setConnection(find('a'), { state: 'failing', error: 'refused' });
    expect(balancer.pick(new CallRecord()).kind).toBe('fail');
    list(instance('a', { weight: 0 }));
    expect(balancer.pick(new CallRecord()).kind).toBe('fail');
    list(instance('a'));
    expect(pick().endpoint).toBe(find('a'));
  });

  it('tells its listener of each change of the picks', async () => {
    list(instance('a'));
    const atFirst = picksChanges;
    await breakOnly();
    expect(picksChanges).toBe(atFirst + 1);
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    expect(picksChanges).toBe(atFirst + 2);
  });
});
