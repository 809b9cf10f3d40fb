import { describe, expect, it, jest } from '@jest/globals';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { instance, settle } from '../fixtures.ts';

import {
  balancer,
  breakOnly,
  call,
  endTurn,
  find,
  list,
  OK,
  pick,
  pickedIds,
  rotation,
  told,
  UNAVAILABLE,
} from './balancer-harness.ts';

describe('update', () => {
  it('touches only what changed', async () => {
    list(instance('a'), instance('b'));
    const [a, b] = [find('a'), find('b')];
    const attempt = pick(new CallRecord());
    attempt.start();
    list(instance('b', { weight: 2, modRevision: 2n }), instance('c'), instance('a'));
    expect(find('a')).toBe(a);
    expect(find('b')).toBe(b);
    expect(b.instance.weight).toBe(2);
    expect(attempt.endpoint.inFlight).toBe(1);
    expect(told).toEqual(['added a', 'added b', 'added c']);
    list(instance('a'), instance('c'));
    expect(told.slice(3)).toEqual(['removed b']);
    expect(pickedIds()).toEqual(new Set(['a', 'c']));
  });

  it('keeps a breaker open through updates', async () => {
    list(instance('a'));
    await breakOnly();
    list(instance('a', { weight: 5 }), instance('b'));
    expect(find('a').breaker.state).toBe('open');
    expect(pickedIds()).toEqual(new Set(['b']));
  });

  it.each<[string, Partial<Instance>]>([
    ['a new incarnation', { incarnation: 'a-2' }],
    ['another address', { address: { host: '127.0.0.1', port: 2000 } }],
  ])('takes %s for another endpoint, with a breaker of its own', async (_what, changes) => {
    list(instance('a'));
    await breakOnly();
    const old = find('a');
    list(instance('a', changes));
    expect(find('a')).not.toBe(old);
    expect(await call(OK)).toBe('a');
    expect(told).toEqual(['added a', 'removed a', 'added a']);
  });

  it('closes the breaker of what it removes, timers and all', async () => {
    list(instance('a'));
    await breakOnly();
    const timers = jest.getTimerCount();
    list();
    // That of its reset, and the one that rolled its window and no other.
    expect(jest.getTimerCount()).toBe(timers - 2);
    expect(rotation.size).toBe(0);
  });
});

describe('pick', () => {
  it.each<[string, Partial<Instance>]>([
    ['weight 0', { weight: 0 }],
    ['STARTING', { status: InstanceStatus.INSTANCE_STATUS_STARTING }],
    ['STOPPING', { status: InstanceStatus.INSTANCE_STATUS_STOPPING }],
    ['ERROR', { status: InstanceStatus.INSTANCE_STATUS_ERROR }],
    ['a failed health check', { health: Health.HEALTH_NOT_SERVING }],
  ])('leaves out an instance with %s, until that changes', (_what, changes) => {
    list(instance('a', changes), instance('b'));
    expect(pickedIds()).toEqual(new Set(['b']));
    list(instance('a'), instance('b'));
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
    list(instance('a', changes), instance('b'));
    expect(pickedIds()).toEqual(new Set(['b']));
  });

  it.each([{ state: 'connecting' } as const, { state: 'failing', error: 'refused' } as const])(
    'leaves out an endpoint that is $state',
    (connection) => {
      list(instance('a'), instance('b'));
      balancer.setConnection(find('a'), connection);
      expect(pickedIds()).toEqual(new Set(['b']));
      balancer.setConnection(find('a'), { state: 'ready' });
      expect(pickedIds()).toEqual(new Set(['a', 'b']));
    },
  );

  it('sends no attempt of a call where it was tried, and fails for good when all were', async () => {
    list(instance('a'), instance('b'), instance('c'));
    const record = new CallRecord();
    const tried = [
      await call(UNAVAILABLE, record),
      await call(UNAVAILABLE, record),
      await call(UNAVAILABLE, record),
    ];
    expect(new Set(tried)).toEqual(new Set(['a', 'b', 'c']));
    expect(balancer.pick(record)).toMatchObject({
      kind: 'fail',
      isFinal: true,
      message: expect.stringContaining('a was tried already and ended UNAVAILABLE'),
    });
    expect(record.attempts.map(({ end }) => end?.statusCode)).toEqual([14, 14, 14]);
  });

  it('never asks an instance again that was lost and listed anew meanwhile', async () => {
    list(instance('a'));
    const record = new CallRecord({ maxAttempts: 3 });
    const attempt = pick(record);
    attempt.start();
    attempt.end(UNAVAILABLE);
    await settle();
    list();
    list(instance('a'));
    expect(find('a')).not.toBe(attempt.endpoint);
    expect(balancer.pick(record)).toMatchObject({
      kind: 'fail',
      message: expect.stringContaining('a was tried already and ended UNAVAILABLE'),
    });
  });

  it('tells of the last attempt when there is no other instance to ask', async () => {
    list(instance('a'));
    const record = new CallRecord();
    const attempt = pick(record);
    attempt.start();
    attempt.end(UNAVAILABLE, { details: 'the disk is full', trailers: 'trailers' });
    await settle();
    expect(balancer.pick(record)).toMatchObject({
      isFinal: true,
      lastEnd: { statusCode: UNAVAILABLE, details: 'the disk is full', trailers: 'trailers' },
    });
  });

  it('does not take a pick that never started for a try', () => {
    list(instance('a'));
    const record = new CallRecord();
    pick(record).abandon();
    expect(pick(record).endpoint).toBe(find('a'));
    endTurn();
    expect(pick(record).endpoint).toBe(find('a'));
  });
});
