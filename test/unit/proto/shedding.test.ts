import { status } from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import { ErrorInfo, RetryInfo } from '../../../proto/gen/google/rpc/error_details.ts';
import { Status } from '../../../proto/gen/google/rpc/status.ts';
import { overloadedStatus, Shedding } from '../../../proto/src/shedding.ts';

it('F33: an overloaded server says when to try again, as trailer and as RetryInfo', () => {
  const { code, metadata } = overloadedStatus(1250);
  expect(code).toBe(status.RESOURCE_EXHAUSTED);
  expect(metadata?.get('grpc-retry-pushback-ms')).toEqual(['1250']);
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  const rich = Status.decode(bytes as Buffer);
  expect(rich.code).toBe(status.RESOURCE_EXHAUSTED);
  const [info, retry] = rich.details;
  expect(ErrorInfo.decode(info?.value as Buffer)).toMatchObject({
    reason: 'OVERLOADED',
    domain: 'weft',
  });
  expect(RetryInfo.decode(retry?.value as Buffer).retryDelay).toEqual({
    seconds: 1n,
    nanos: 250_000_000,
  });
});

it('refuses nothing while the loop is on time', () => {
  const shedding = new Shedding({ maxLagMs: 200, pushbackMs: 250 });
  shedding.start();
  expect(shedding.refusal()).toBeUndefined();
  shedding.stop();
});
