import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { createStrategy } from '../../../../client-sdk/src/balancer/strategies.ts';
import { Breaker } from '../../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { breakerSettings, instance, seededRandom, settle } from '../fixtures.ts';

const OK = 0;
const NOT_FOUND = 5;
const INTERNAL = 13;
const UNAVAILABLE = 14;

let rotation: WindowRotation;
let balancer: Balancer;
let told: string[];
let deferred: (() => void)[];

/** What the balancer put off until the end of this turn of the event loop. */
function endTurn(): void {
  for (const task of deferred.splice(0)) task();
}

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(breakerSettings.windowMs);
  balancer = new Balancer({
    service: 'echo',
    strategy: createStrategy('least_connections', seededRandom(1)),
    createBreaker: (onChange) => new Breaker(breakerSettings, rotation.emitter, onChange),
    defer: (task) => deferred.push(task),
  });
  told = [];
  deferred = [];
  balancer.listen({
    endpointAdded: (each) => told.push(`added ${each.instance.id}`),
    endpointRemoved: (each) => told.push(`removed ${each.instance.id}`),
    picksChanged: () => {},
  });
});

afterEach(() => {
  balancer.close();
  rotation.close();
  expect(rotation.emitter.listenerCount('rotate')).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function find(id: string): Endpoint {
  const found = [...balancer.endpoints].find((each) => each.instance.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  return found;
}

/** Lists them, connected. */
function list(...instances: Instance[]): void {
  balancer.update(instances);
  for (const each of balancer.endpoints) balancer.setConnection(each, { state: 'ready' });
}

function pick(call = new CallRecord()): Attempt {
  const picked = balancer.pick(call);
  if (picked.kind !== 'attempt') throw new Error(JSON.stringify(picked));
  return picked;
}

async function call(statusCode: number, record = new CallRecord()): Promise<string> {
  const attempt = pick(record);
  attempt.start();
  attempt.end(statusCode);
  await settle();
  return attempt.endpoint.instance.id;
}

/** Opens the breaker of the only endpoint listed. */
async function breakOnly(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await call(INTERNAL);
}

function pickedIds(): Set<string> {
  const ids = new Set<string>();
  for (let i = 0; i < 50; i += 1) {
    ids.add(pick().endpoint.instance.id);
    endTurn();
  }
  return ids;
}

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
    expect(told).toEqual(['added a', 'added a', 'removed a']);
  });

  it('closes the breaker of what it removes, timers and all', async () => {
    list(instance('a'));
    await breakOnly();
    const timers = jest.getTimerCount();
    list();
    expect(jest.getTimerCount()).toBe(timers - 1);
    expect(rotation.emitter.listenerCount('rotate')).toBe(0);
  });
});

describe('pick', () => {
  it.each<[string, Partial<Instance>]>([
    ['weight 0', { weight: 0 }],
    ['STARTING', { status: InstanceStatus.INSTANCE_STATUS_STARTING }],
    ['STOPPING', { status: InstanceStatus.INSTANCE_STATUS_STOPPING }],
    ['ERROR', { status: InstanceStatus.INSTANCE_STATUS_ERROR }],
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
      message: expect.stringContaining('a was tried already and ended with status 14'),
    });
    expect(record.attempts.map(({ end }) => end?.statusCode)).toEqual([14, 14, 14]);
  });

  it('tells of the last attempt when there is no other instance to ask', async () => {
    list(instance('a'));
    const record = new CallRecord();
    const attempt = pick(record);
    attempt.start();
    attempt.end(UNAVAILABLE, 'the disk is full', 'trailers');
    await settle();
    expect(balancer.pick(record)).toMatchObject({
      isFinal: true,
      lastEnd: { statusCode: UNAVAILABLE, details: 'the disk is full', trailers: 'trailers' },
    });
  });

  it('does not take a pick that never started for a try', () => {
    list(instance('a'));
    const record = new CallRecord();
    pick(record);
    expect(pick(record).endpoint).toBe(find('a'));
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

describe('breakers', () => {
  it('an open one takes its endpoint out of the picks', async () => {
    list(instance('a'));
    await breakOnly();
    expect(balancer.pickableCount).toBe(0);
    expect(balancer.pick(new CallRecord())).toEqual({
      kind: 'fail',
      isFinal: true,
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
    retry.attempts.push({ endpoint: find('b'), end: undefined });
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
    expect(balancer.pickableCount).toBe(1);
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
    let changes = 0;
    balancer.listen({
      endpointAdded: () => {},
      endpointRemoved: () => {},
      picksChanged: () => {
        changes += 1;
      },
    });
    list(instance('a'));
    const atFirst = changes;
    await breakOnly();
    expect(changes).toBe(atFirst + 1);
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    expect(changes).toBe(atFirst + 2);
  });
});
