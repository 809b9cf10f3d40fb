import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import type { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import type { NoPick } from '../../../../client-sdk/src/balancer/no-pick.ts';
import { planOf } from '../../../../client-sdk/src/call/method-plan.ts';
import { PlannedCall } from '../../../../client-sdk/src/call/planned-call.ts';
import { MeshPicker } from '../../../../client-sdk/src/grpc/mesh-picker.ts';
import { type PickResult, PickResultType } from '../../../../client-sdk/src/grpc-experimental.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { HedgingOptions } from '../../../../client-sdk/src/policy/service-policy.ts';
import { endpoint } from '../fixtures.ts';

const sent = { pickResultType: PickResultType.COMPLETE } as PickResult;

function pickerOf(pick: Attempt | NoPick): MeshPicker {
  return new MeshPicker({ pick: () => pick } as unknown as Balancer, () => sent);
}

function pick(picker: MeshPicker, call: object = {}): PickResult {
  return picker.pick({ metadata: new Metadata(), extraPickInfo: call as never });
}

/** A call whose first attempt, at `tried`, is in flight as far as the core knows. */
function underWay(tried: Endpoint, hedging: HedgingOptions | false = false): PlannedCall {
  const traits = { path: '/a.B/C', isUnary: true, isIdempotent: true };
  const plan = planOf(resolvePolicy({ hedging }), traits);
  const call = new PlannedCall(traits.path, plan, 0, {});
  call.funded = 1;
  call.attempted(tried);
  return call;
}

/** A picker over these, without a budget for retries. */
function pickerOver(...endpoints: Endpoint[]): MeshPicker {
  const attemptAt = (endpoint: Endpoint) => ({ kind: 'attempt', endpoint }) as Attempt;
  const balancer = {
    pick: (call: PlannedCall) => {
      const free = endpoints.find((each) => !call.isExcluded(each));
      const isPaid = call.funded > call.attempts.length;
      return free === undefined || !isPaid ? { ...failure, isFinal: false } : attemptAt(free);
    },
  };
  return new MeshPicker(balancer as unknown as Balancer, ({ endpoint: { instance } }) => {
    return { ...sent, status: { details: instance.id } } as never;
  });
}

const failure = { kind: 'fail', code: 'UNAVAILABLE', message: 'none' } as const;

describe('MeshPicker', () => {
  it('sends an attempt over the connection of its endpoint', () => {
    const picker = pickerOf({ kind: 'attempt' } as Attempt);
    expect(pick(picker)).toBe(sent);
    expect(picker.hasQueued).toBe(false);
  });

  it('lets a call wait, and remembers that one does', () => {
    const picker = pickerOf({ kind: 'wait' });
    expect(pick(picker).pickResultType).toBe(PickResultType.QUEUE);
    expect(picker.hasQueued).toBe(true);
  });

  it('fails a pick that a retry may do better, and drops one that no retry could', () => {
    expect(pick(pickerOf({ ...failure, isFinal: false }))).toMatchObject({
      pickResultType: PickResultType.TRANSIENT_FAILURE,
      status: { code: status.UNAVAILABLE, details: 'none' },
    });
    expect(pick(pickerOf({ ...failure, code: 'RESOURCE_EXHAUSTED', isFinal: true }))).toMatchObject(
      {
        pickResultType: PickResultType.DROP,
        status: { code: status.RESOURCE_EXHAUSTED, details: 'none' },
      },
    );
  });

  it('tells how the last attempt ended when there will be no other', () => {
    const trailers = new Metadata();
    const lastEnd = {
      statusCode: status.UNAVAILABLE,
      details: 'disk full',
      trailers,
      durationMs: 1,
    };
    const end = { code: status.UNAVAILABLE, details: 'disk full', metadata: trailers };
    expect(pick(pickerOf({ ...failure, isFinal: true, lastEnd })).status).toEqual(end);
    const goesOn = pick(pickerOf({ ...failure, isFinal: false, lastEnd }));
    expect(goesOn.status).toMatchObject({ details: 'none' });
  });
});

describe('an attempt that was refused unread', () => {
  const [a, b] = [endpoint('a'), endpoint('b')];

  it('is made again elsewhere, whatever the budget', () => {
    expect(pick(pickerOver(a, b), underWay(a)).status?.details).toBe('b');
  });

  it('is made again where it was when there is no other instance', () => {
    const call = underWay(a);
    expect(pick(pickerOver(a), call).status?.details).toBe('a');
    expect(call.attempts).toHaveLength(1);
  });

  it('is not taken for one where a hedge is picked beside it', () => {
    const hedged = underWay(a, { delayMs: 10 });
    expect(pick(pickerOver(a, b), hedged).pickResultType).toBe(PickResultType.TRANSIENT_FAILURE);
    hedged.funded = 2;
    expect(pick(pickerOver(a), hedged).pickResultType).toBe(PickResultType.TRANSIENT_FAILURE);
    expect(pick(pickerOver(a, b), hedged).status?.details).toBe('b');
  });
});
