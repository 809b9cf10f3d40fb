import { describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { instance } from '../fixtures.ts';
import {
  balancer,
  begin,
  breakOnly,
  deferred,
  endTurn,
  find,
  list,
  OK,
  pick,
  picksChanges,
  UNAVAILABLE,
  useBalancer,
} from './balancer-harness.ts';

function unaryCall(traits = {}): CallRecord {
  return new CallRecord({ path: '/s/m', isUnary: true, maxAttempts: 3, ...traits });
}

describe('an attempt may be given up for another one', () => {
  it('K5: while an instance that the call has not tried takes calls', () => {
    list(instance('a'), instance('b'));
    const call = unaryCall();
    begin(call);
    expect(balancer.fundMove(call)).toBe(true);
    begin(call);
    expect(balancer.fundMove(call)).toBe(false);
  });

  it('K5: as often as the call has attempts', () => {
    list(instance('a'), instance('b'), instance('c'));
    const call = unaryCall({ maxAttempts: 2 });
    begin(call);
    expect(balancer.fundMove(call)).toBe(true);
    begin(call);
    expect(balancer.fundMove(call)).toBe(false);
  });

  it('K4: unless the breaker of the other instance is open', async () => {
    list(instance('b'));
    await breakOnly();
    list(instance('a'), instance('b'));
    const call = unaryCall();
    begin(call);
    expect(find('b').breaker.state).toBe('open');
    expect(balancer.fundMove(call)).toBe(false);
  });

  it('K4: within the retry budget, which pays at once and only once', () => {
    useBalancer({ retryBudget: { ratio: 0.5, minPerSecond: 0 } });
    list(instance('a'), instance('b'), instance('c'));
    const [first, second] = [unaryCall(), unaryCall()];
    for (const call of [first, second]) begin(call);
    expect(balancer.fundMove(first)).toBe(true);
    expect(balancer.fundMove(second)).toBe(false);
    expect(balancer.fundMove(first)).toBe(true);
    begin(first);
  });

  it('K3: if the time left is as long as the method takes', () => {
    list(instance('a'), instance('b'));
    const slow = begin(unaryCall());
    jest.advanceTimersByTime(1000);
    slow.end(OK);
    const call = unaryCall();
    begin(call);
    call.endsAt = balancer.now() + 1100;
    expect(balancer.fundMove(call)).toBe(true);
    call.endsAt = balancer.now() + 900;
    expect(balancer.fundMove(call)).toBe(false);
  });
});

describe('hedges (K6)', () => {
  it('that gRPC asks for at once are sent one delay apart, counted from the first pick', () => {
    list(instance('a'), instance('b'), instance('c'));
    const call = unaryCall({ hedgeAfterMs: 50 });
    const ids = [begin(call).endpoint.instance.id];
    expect(balancer.pick(call)).toEqual({ kind: 'wait' });
    expect(balancer.pick(call)).toEqual({ kind: 'wait' });
    const before = picksChanges;
    jest.advanceTimersByTime(49);
    expect(picksChanges).toBe(before);
    jest.advanceTimersByTime(1);
    expect(picksChanges).toBe(before + 1);
    ids.push(begin(call).endpoint.instance.id);
    expect(balancer.pick(call)).toEqual({ kind: 'wait' });
    jest.advanceTimersByTime(50);
    ids.push(begin(call).endpoint.instance.id);
    expect(new Set(ids).size).toBe(3);
  });

  it('do not wait when the attempt before has failed', () => {
    list(instance('a'), instance('b'));
    const call = unaryCall({ hedgeAfterMs: 50 });
    begin(call).end(UNAVAILABLE);
    expect(pick(call).kind).toBe('attempt');
  });

  it('are paid for and sent elsewhere, though the first attempt is only picked yet', () => {
    useBalancer({ retryBudget: { ratio: 1, minPerSecond: 0 } });
    list(instance('a'), instance('b'), instance('c'));
    const call = unaryCall();
    const first = pick(call);
    const second = pick(call);
    expect(second.endpoint).not.toBe(first.endpoint);
    expect(balancer.pick(call)).toMatchObject({
      kind: 'fail',
      isFinal: false,
      message: expect.stringContaining('retry budget'),
    });
    expect(call.attempts).toEqual([]);
    endTurn();
    expect(call.made).toBe(0);
    expect(deferred).toEqual([]);
  });
});
