import { describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { instance, sentAttempt } from '../fixtures.ts';
import {
  balancer,
  begin,
  call,
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
  UNAVAILABLE,
  useBalancer,
} from './balancer-harness.ts';

describe('maxInFlight', () => {
  it('fails what is above it at once, unsent picks counted, and says so', () => {
    useBalancer({ maxInFlight: 2 });
    list(instance('a'), instance('b'));
    const first = begin();
    pick();
    expect(refusal()).toEqual({
      kind: 'fail',
      code: 'RESOURCE_EXHAUSTED',
      isFinal: true,
      lastEnd: undefined,
      message: '2 calls to echo are in flight; maxInFlight is 2',
    });
    endTurn();
    pick().abandon();
    first.end(OK);
    expect(balancer.inFlight).toBe(0);
  });

  it('counts a refused call neither as a call nor as a try of it', () => {
    useBalancer({ maxInFlight: 1, retryBudget: { ratio: 1, minPerSecond: 0 } });
    list(instance('a'), instance('b'));
    const only = begin();
    const record = new CallRecord();
    for (let i = 0; i < 10; i += 1) refusal(record);
    only.end(UNAVAILABLE);
    expect(record.funded).toBe(0);
    pick(only.call).abandon();
    const other = new CallRecord();
    sentAttempt(other, find('a'));
    expect(refusal(other)).toMatchObject({ message: expect.stringContaining('retry budget') });
  });
});

describe('maxInFlightPerInstance', () => {
  it('sends further calls elsewhere, and fails them when all are full', () => {
    useBalancer({ strategy: 'round_robin', maxInFlightPerInstance: 2 });
    list(instance('a'), instance('b'));
    const attempts = Array.from({ length: 4 }, () => begin());
    expect([find('a').inFlight, find('b').inFlight]).toEqual([2, 2]);
    expect(refusal()).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      isFinal: true,
      message: expect.stringContaining('a has 2 calls in flight (maxInFlightPerInstance 2); b has'),
    });
    attempts.find(({ endpoint }) => endpoint === find('b'))?.end(OK);
    expect(pickedIds()).toEqual(new Set(['b']));
  });

  it('tells of room that is made, as calls may wait for it', () => {
    useBalancer({ maxInFlightPerInstance: 1 });
    list(instance('a'));
    const only = begin();
    change({ put: [instance('b')] });
    expect(refusal()).toEqual({ kind: 'wait' });
    const before = picksChanges;
    only.end(OK);
    expect(picksChanges).toBeGreaterThan(before);
    expect(pick().endpoint).toBe(find('a'));
  });

  it('can be changed under way, up and down', () => {
    list(instance('a'));
    const attempts = [begin(), begin(), begin()];
    balancer.setPolicy({ ...balancer.policy, maxInFlightPerInstance: 2 });
    refusal();
    attempts[0]?.end(OK);
    refusal();
    attempts[1]?.end(OK);
    pick().abandon();
    balancer.setPolicy({ ...balancer.policy, maxInFlightPerInstance: 1 });
    refusal();
    balancer.setPolicy({ ...balancer.policy, maxInFlightPerInstance: 5 });
    pick().abandon();
    attempts[2]?.end(OK);
    expect(balancer.inFlight).toBe(0);
  });
});

describe('the retry budget (F33)', () => {
  const tight = { retryBudget: { ratio: 0.2, minPerSecond: 0 } };

  it('lets a share of the calls be tried again, and tells the others how their last try ended', async () => {
    useBalancer({ ...tight, breaker: { failures: 1000 }, outlierEjection: false });
    list(instance('a'), instance('b'), instance('c'));
    let retries = 0;
    for (let i = 0; i < 100; i += 1) {
      const record = new CallRecord();
      await call(UNAVAILABLE, record);
      const picked = balancer.pick(record);
      if (picked.kind === 'attempt') retries += 1;
      else {
        expect(picked).toMatchObject({
          kind: 'fail',
          code: 'UNAVAILABLE',
          isFinal: true,
          lastEnd: { statusCode: UNAVAILABLE },
          message:
            'no instance of echo takes this call (the retry budget is spent; ' +
            `${record.attempts[0]?.endpoint.instance.id} was tried already and ended UNAVAILABLE)`,
        });
      }
      endTurn();
    }
    expect(retries).toBe(20);
  });

  it('pays hedges too; one that is refused leaves the call to the attempt in flight', () => {
    useBalancer(tight);
    list(instance('a'), instance('b'));
    const hedged = begin();
    expect(refusal(hedged.call)).toMatchObject({ kind: 'fail', isFinal: false });
    hedged.end(OK);
  });

  it('pays for an attempt once, however often it is picked', () => {
    useBalancer({ retryBudget: { ratio: 1, minPerSecond: 0 } });
    list(instance('a'), instance('b'));
    const first = begin();
    first.end(UNAVAILABLE);
    for (let i = 0; i < 10; i += 1) {
      pick(first.call);
      endTurn();
    }
    const second = pick(first.call);
    second.start();
    second.end(UNAVAILABLE);
    change({ put: [instance('c')] });
    connectAll();
    expect(refusal(first.call)).toMatchObject({ isFinal: true });
  });

  it('does not pay for an attempt that the server refused unread as it ended the connection', () => {
    useBalancer({ retryBudget: { ratio: 0, minPerSecond: 0 } });
    list(instance('a'));
    const record = new CallRecord();
    for (let i = 0; i < 5; i += 1) {
      const refused = begin(record);
      refused.refuse(true);
      refused.end(UNAVAILABLE);
      jest.advanceTimersByTime(200);
    }
    begin(record).end(OK);
  });

  it('does pay if the server goes on refusing on the same connection', () => {
    useBalancer({ retryBudget: { ratio: 0, minPerSecond: 0 } });
    list(instance('a'), instance('b'));
    const record = new CallRecord();
    const refuse = () => {
      const refused = begin(record);
      refused.refuse(false);
      refused.end(UNAVAILABLE);
    };
    for (let i = 0; i < 2; i += 1) refuse();
    jest.advanceTimersByTime(300);
    refuse();
    expect(refusal(record)).toMatchObject({ message: expect.stringContaining('retry budget') });
  });

  it('is there again when time has passed', async () => {
    useBalancer({ retryBudget: { ratio: 0, minPerSecond: 1 } });
    list(instance('a'), instance('b'));
    const retry = () => {
      const record = new CallRecord();
      sentAttempt(record, find('a'));
      return balancer.pick(record).kind;
    };
    const kinds = Array.from({ length: 12 }, retry);
    expect(kinds.filter((kind) => kind === 'attempt')).toHaveLength(10);
    endTurn();
    await jest.advanceTimersByTimeAsync(11_000);
    expect(retry()).toBe('attempt');
  });
});
