import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PUSHBACK_TRAILER, silentLog } from '@weft/proto';
import { ClientError } from 'nice-grpc-common';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import type { CallReport } from '../../../../client-sdk/src/balancer/call-report.ts';
import { CallFilter } from '../../../../client-sdk/src/call/call-filter.ts';
import { callReport, noteReport } from '../../../../client-sdk/src/call/error-reports.ts';
import { planOf } from '../../../../client-sdk/src/call/method-plan.ts';
import { PlannedCall } from '../../../../client-sdk/src/call/planned-call.ts';
import { richError } from '../../../../client-sdk/src/call/rich-error.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import { endpoint, instance, sentAttempt } from '../fixtures.ts';

const policy = resolvePolicy();
let balancer: Balancer;
let call: PlannedCall;
let now: number;

beforeEach(() => {
  now = 1000;
  const createBreaker = () => endpoint('any').breaker;
  balancer = new Balancer({ service: 'echo', policy, createBreaker, now: () => now });
  const put = [instance('a'), instance('b')];
  balancer.apply({ isComplete: true, put, removed: [], revision: 7n });
  call = new PlannedCall(planOf(policy, undefined), now, { path: '/echo.v1.Echo/Get' });
});

afterEach(() => balancer.close());

function end(code: status, onReport?: (report: CallReport) => void) {
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, '-1');
  now += 50;
  const filter = new CallFilter(balancer, call, { onReport }).createFilter();
  return filter.receiveTrailers({ code, details: 'gone', metadata });
}

describe('the end of a call that failed for want of a good instance', () => {
  it('says what was known and what each attempt met', () => {
    sentAttempt(call, [...balancer.endpoints][0] as never);
    const { details, metadata, code } = end(status.UNAVAILABLE);
    expect(code).toBe(status.UNAVAILABLE);
    expect(details).toBe(
      'gone [echo: 2 candidates at revision 7, 0.1 s old; attempts: a at 127.0.0.1:1000 unanswered]',
    );
    expect(callReport(Object.assign(new Error(), { metadata }))).toMatchObject({
      service: 'echo',
      status: 'UNAVAILABLE',
      durationMs: 50,
      revision: '7',
      attempts: [{ instance: 'a' }],
    });
  });

  it('no longer has what this process told gRPC of retries', () => {
    expect(end(status.RESOURCE_EXHAUSTED).metadata.getMap()).toEqual({});
  });

  it('is told by the error of a mesh client', async () => {
    const { metadata: trailers } = end(status.UNAVAILABLE);
    const error = await richError({ error: new ClientError('/p', 14 as number, 'gone'), trailers });
    expect(callReport(error)).toMatchObject({ service: 'echo' });
  });
});

describe('a status that the server sent', () => {
  it('C1: keeps its message, and has a report all the same', () => {
    const metadata = new Metadata();
    const [a] = [...balancer.endpoints];
    sentAttempt(call, a as never).end = {
      statusCode: status.UNAVAILABLE,
      details: 'gone',
      trailers: metadata,
      endedBy: 'server',
      durationMs: 1,
    };
    const onFailure = jest.fn();
    const filter = new CallFilter(balancer, call, { onFailure });
    const ended = filter.receiveTrailers({ code: status.UNAVAILABLE, details: 'gone', metadata });
    expect(ended.details).toBe('gone');
    const report = callReport(Object.assign(new Error(), { metadata }));
    expect(report).toMatchObject({ service: 'echo' });
    expect(onFailure).toHaveBeenCalledWith(report);
  });
});

describe('the end of any other call', () => {
  it.each([status.OK, status.NOT_FOUND, status.CANCELLED])('is left as it is: %i', (code) => {
    const { details, metadata } = end(code);
    expect(details).toBe('gone');
    expect(callReport(Object.assign(new Error(), { metadata }))).toBeUndefined();
  });
});

describe('onReport', () => {
  it.each([status.OK, status.NOT_FOUND, status.UNAVAILABLE])('is told of %i', (code) => {
    const onReport = jest.fn();
    end(code, onReport);
    expect(onReport).toHaveBeenCalledTimes(1);
    expect(onReport).toHaveBeenCalledWith(
      expect.objectContaining({ status: status[code], method: '/echo.v1.Echo/Get' }),
    );
  });
});

describe('onReport that throws', () => {
  const thrown = new Error('broken listener');

  it.each([
    [
      'throws',
      () => {
        throw thrown;
      },
    ],
    ['rejects', () => Promise.reject(thrown)],
  ])('leaves the end of the call as it is, and is logged: %s', async (_how, onReport) => {
    const log = { ...silentLog, error: jest.fn() };
    const filter = new CallFilter(balancer, call, { onReport, log });
    const ended = { code: status.OK, details: '', metadata: new Metadata() };
    expect(filter.receiveTrailers(ended)).toBe(ended);
    await Promise.resolve();
    expect(log.error).toHaveBeenCalledWith({ err: thrown }, expect.stringContaining('onReport'));
  });
});

describe('callReport', () => {
  it('knows only of failed calls', () => {
    for (const none of [undefined, null, 'text', {}, new Error('other')]) {
      expect(callReport(none)).toBeUndefined();
    }
    const error = new Error('failed');
    const report = { service: 'echo' } as CallReport;
    noteReport(error, report);
    expect(callReport(error)).toBe(report);
  });
});
