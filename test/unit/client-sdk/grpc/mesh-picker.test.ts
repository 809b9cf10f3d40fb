import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { PUSHBACK_TRAILER } from '@weft/proto';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import type { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import type { NoPick } from '../../../../client-sdk/src/balancer/no-pick.ts';
import { MeshPicker } from '../../../../client-sdk/src/grpc/mesh-picker.ts';
import { type PickResult, PickResultType } from '../../../../client-sdk/src/grpc-experimental.ts';

const sent = { pickResultType: PickResultType.COMPLETE } as PickResult;

function pickerOf(pick: Attempt | NoPick): MeshPicker {
  const balancer = { pick: () => pick } as unknown as Balancer;
  return new MeshPicker(balancer, { areHeld: false }, () => sent);
}

function pick(picker: MeshPicker, maxAttempts = 3): PickResult {
  const call = { plan: { maxAttempts } };
  return picker.pick({ metadata: new Metadata(), extraPickInfo: call as never });
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

  it('forbids gRPC to repeat a failed pick of a call that is made once', () => {
    const picker = pickerOf({ ...failure, isFinal: false });
    expect(pick(picker, 1).status?.metadata.get(PUSHBACK_TRAILER)).toEqual(['-1']);
    expect(pick(picker, 2).status?.metadata.get(PUSHBACK_TRAILER)).toEqual([]);
  });

  it('tells how the last attempt ended when there will be no other', () => {
    const trailers = new Metadata();
    const lastEnd = {
      statusCode: status.UNAVAILABLE,
      details: 'disk full',
      trailers,
      endedBy: 'server',
      durationMs: 1,
    } as const;
    const end = { code: status.UNAVAILABLE, details: 'disk full', metadata: trailers };
    expect(pick(pickerOf({ ...failure, isFinal: true, lastEnd })).status).toEqual(end);
    const goesOn = pick(pickerOf({ ...failure, isFinal: false, lastEnd }));
    expect(goesOn.status).toMatchObject({ details: 'none' });
  });
});
