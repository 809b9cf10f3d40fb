import { describe, expect, it } from '@jest/globals';
import { ClientError, Status } from 'nice-grpc-common';
import {
  isReplicaFault,
  reportedRefusal,
} from '../../../../client-sdk/src/registration/refusal.ts';

const failure = (code: Status) => new ClientError('/p', code, 'as told');
const { ALREADY_EXISTS, INVALID_ARGUMENT, PERMISSION_DENIED, UNAVAILABLE } = Status;

describe('isReplicaFault', () => {
  it('is false for what every replica decides', () => {
    for (const code of [ALREADY_EXISTS, INVALID_ARGUMENT, PERMISSION_DENIED, Status.ABORTED]) {
      expect(isReplicaFault(failure(code))).toBe(false);
    }
  });

  it('is true for a replica that fails, is overloaded or does not respond', () => {
    for (const code of [UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED]) {
      expect(isReplicaFault(failure(code))).toBe(true);
    }
    expect(isReplicaFault(new Error('aborted'))).toBe(true);
  });
});

describe('reportedRefusal', () => {
  it('reports a refusal that lasts at once', () => {
    for (const code of [INVALID_ARGUMENT, PERMISSION_DENIED, Status.UNAUTHENTICATED]) {
      expect(reportedRefusal(failure(code), 0, 10_000)).toMatchObject({ code });
    }
  });

  it('reports an id that is taken after two TTLs, and after 30 s at most', () => {
    const taken = failure(ALREADY_EXISTS);
    expect(reportedRefusal(taken, 3999, 2000)).toBeUndefined();
    expect(reportedRefusal(taken, 4000, 2000)).toMatchObject({
      code: 'INSTANCE_EXISTS',
      message: 'as told; stop the other one, or give this one another id ($WEFT_INSTANCE_ID)',
    });
    expect(reportedRefusal(taken, 29_999, 3_600_000)).toBeUndefined();
    expect(reportedRefusal(taken, 30_000, 3_600_000)).toBeInstanceOf(Error);
  });

  it('never reports a registry that is away', () => {
    expect(reportedRefusal(failure(UNAVAILABLE), 1e9, 2000)).toBeUndefined();
    expect(reportedRefusal(new Error('timeout'), 1e9, 2000)).toBeUndefined();
  });
});
