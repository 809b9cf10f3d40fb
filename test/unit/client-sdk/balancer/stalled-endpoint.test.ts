import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { TICK_MS } from '../../../../client-sdk/src/balancer/health-monitor.ts';
import { instance } from '../fixtures.ts';
import {
  alive,
  balancer,
  begin,
  beginAt,
  find,
  list,
  OK,
  pickedIds,
  seen,
  told,
  useBalancer,
} from './balancer-harness.ts';

/** `count` unary calls at `a`, which no longer answers, though the service did in 5 ms. */
function freeze(count: number): Attempt[] {
  const answered = beginAt('b');
  jest.advanceTimersByTime(5);
  answered.end(OK);
  return Array.from({ length: count }, () => beginAt('a'));
}

describe('an endpoint that stops answering (F2)', () => {
  it('is ejected within a second, and the transport is told to move its calls', () => {
    list(instance('a'), instance('b'));
    const frozen = freeze(3);
    told.length = 0;
    jest.advanceTimersByTime(500 - TICK_MS);
    expect(seen).toEqual([]);
    expect(pickedIds()).toEqual(new Set(['b']));
    jest.advanceTimersByTime(2 * TICK_MS);
    expect(seen).toEqual(['a: stopped answering, 10000 ms']);
    expect(told).toEqual(['stalled a']);
    expect(pickedIds()).toEqual(new Set(['b']));
    for (const attempt of frozen) attempt.end(14);
    jest.advanceTimersByTime(10_000);
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
  });

  it('K3: is not ejected if its process answers pings: only the handlers are slow', () => {
    list(instance('a'), instance('b'));
    alive.add('a');
    freeze(3);
    told.length = 0;
    jest.advanceTimersByTime(10_000);
    expect([seen, told]).toEqual([[], []]);
    alive.delete('a');
    jest.advanceTimersByTime(1000);
    expect(told).toEqual(['stalled a']);
  });

  it('is ejected again, for longer, if it still is silent when it is back', () => {
    list(instance('a'), instance('b'));
    freeze(3);
    jest.advanceTimersByTime(12_000);
    expect(seen.slice(0, 2)).toEqual([
      'a: stopped answering, 10000 ms',
      'a: stopped answering, 20000 ms',
    ]);
  });

  it('is found out though it is full, and takes no call anyway', () => {
    useBalancer({ maxInFlightPerInstance: 3 });
    list(instance('a'), instance('b'));
    freeze(3);
    expect(find('a').isPickable).toBe(false);
    jest.advanceTimersByTime(1000);
    expect(told).toContain('stalled a');
  });

  it('is passed over from the next pick on, and back with its next answer', () => {
    useBalancer({ strategy: 'round_robin' });
    list(instance('a'), instance('b'));
    const [first] = freeze(3);
    jest.advanceTimersByTime(60);
    expect(pickedIds()).toEqual(new Set(['b']));
    first?.end(OK);
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
    expect(seen).toEqual([]);
  });

  it('is picked all the same when all are silent', () => {
    list(instance('a'), instance('b'));
    freeze(4);
    for (let i = 0; i < 4; i += 1) beginAt('b');
    jest.advanceTimersByTime(60);
    expect(pickedIds()).toEqual(new Set(['a', 'b']));
  });

  it('is let off when its connection was made anew', () => {
    list(instance('a'), instance('b'));
    freeze(3);
    jest.advanceTimersByTime(400);
    balancer.setConnection(find('a'), { state: 'connecting' });
    balancer.setConnection(find('a'), { state: 'ready' });
    jest.advanceTimersByTime(400);
    expect(seen).toEqual([]);
  });

  it('is not one with streams in flight, which need not end', () => {
    list(instance('a'), instance('b'));
    for (let i = 0; i < 20; i += 1) begin(new CallRecord({ isUnary: false }));
    jest.advanceTimersByTime(60_000);
    expect(seen).toEqual([]);
  });

  it('is not ejected when it is the only one', () => {
    list(instance('a'));
    for (let i = 0; i < 5; i += 1) begin();
    jest.advanceTimersByTime(60_000);
    expect(seen).toEqual([]);
    expect(told).toEqual(['added a']);
  });
});

describe('this process standing still', () => {
  let lateMs: number;

  beforeEach(() => {
    lateMs = 0;
    const { now } = performance;
    jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + lateMs);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([600, 1000, 5000, 60_000])('for %i ms ejects nobody (F26)', (ms) => {
    list(instance('a'), instance('b'));
    const calls = [beginAt('b'), ...freeze(3)];
    jest.advanceTimersByTime(2 * TICK_MS - 50);
    lateMs = ms;
    jest.advanceTimersByTime(50);
    expect(seen).toEqual([]);
    // What had come meanwhile is read after the timers.
    for (const attempt of calls) attempt.end(OK);
    jest.advanceTimersByTime(4 * TICK_MS);
    expect(seen).toEqual([]);
  });

  it('ejects nobody either when it does so right after its first calls', () => {
    list(instance('a'), instance('b'));
    freeze(3);
    lateMs = 5000;
    jest.advanceTimersByTime(TICK_MS);
    expect(seen).toEqual([]);
  });

  it('does not save one that goes on saying nothing', () => {
    list(instance('a'), instance('b'));
    freeze(3);
    jest.advanceTimersByTime(TICK_MS);
    lateMs = 5000;
    jest.advanceTimersByTime(1000);
    expect(seen).toEqual(['a: stopped answering, 10000 ms']);
  });
});
