import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PUSHBACK_TRAILER } from '@weft/proto';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { planOf } from '../../../../client-sdk/src/call/method-plan.ts';
import { GrpcAttempt } from '../../../../client-sdk/src/grpc/grpc-attempt.ts';
import { PickResultType, type Subchannel } from '../../../../client-sdk/src/grpc-experimental.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { RetryOptions } from '../../../../client-sdk/src/policy/service-policy.ts';

interface Listener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: Buffer): void;
  onReceiveStatus(end: object): void;
}

const path = '/user.v1.UserService/GetUser';

let movable: Set<GrpcAttempt>;
/** Whether another attempt can be made. */
let canMove: boolean;
let ends: unknown[][];
/** What grpc-js was told, in order. */
let told: unknown[];

beforeEach(() => {
  jest.useFakeTimers();
  movable = new Set();
  canMove = true;
  ends = [];
  told = [];
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** An attempt that has been sent, and the call of the transport that carries it. */
function send({ isIdempotent = true, retry = {} as RetryOptions, metadata = new Metadata() } = {}) {
  const plan = planOf(resolvePolicy({ retry }), { path, type: 'unary', isIdempotent });
  const attempt = {
    call: new CallRecord(),
    start: jest.fn(),
    responded: jest.fn(),
    abandon: jest.fn(),
    excuse: jest.fn(),
    refuse: jest.fn<Attempt['refuse']>(),
    end: (...how: unknown[]) => ends.push(how),
  };
  const cancelWithStatus = jest.fn();
  const decoder = { maxReadMessageLength: 0 };
  const call = { startRead: jest.fn(), cancelWithStatus, getStatus: () => null, decoder };
  let inner: Listener | undefined;
  const createCall = jest.fn((...how: unknown[]) => {
    inner = how[3] as Listener;
    return call;
  });
  const subchannel = { getRealSubchannel: () => ({ createCall }), getConnectivityState: () => 2 };
  const site = { endedConnections: 0, movable, fundMove: () => canMove };
  const sent = new GrpcAttempt(
    attempt as unknown as Attempt,
    subchannel as unknown as Subchannel,
    { plan, sizeLimits: plan.sizeLimits },
    site,
  );
  sent.onCallStarted();
  const listener: Listener = {
    onReceiveMetadata: (metadata) => told.push(metadata),
    onReceiveMessage: (message) => told.push(message),
    onReceiveStatus: (end) => told.push(end),
  };
  sent.getRealSubchannel().createCall(metadata, 'h', path, listener as never, 1 as never);
  return { sent, site, attempt, call, cancelWithStatus, listener, inner: inner as Listener };
}

function end(code: status, pushback?: string) {
  const metadata = new Metadata();
  if (pushback !== undefined) metadata.set(PUSHBACK_TRAILER, pushback);
  return { code, details: '', metadata };
}

describe('a pick', () => {
  it('is complete, and begins the attempt when it is sent', () => {
    const { sent, attempt } = send();
    expect(sent).toMatchObject({ pickResultType: PickResultType.COMPLETE, status: null });
    expect(sent.subchannel.getConnectivityState()).toBe(2);
    expect(attempt.start).toHaveBeenCalledTimes(1);
  });
});

describe('an attempt of a call that is made once', () => {
  it('hands on what comes as it comes, and cannot be given up', () => {
    const { inner, sent, cancelWithStatus } = send({ isIdempotent: false });
    const header = new Metadata();
    inner.onReceiveMetadata(header);
    expect(told).toEqual([header]);
    const message = Buffer.from('x');
    inner.onReceiveMessage(message);
    expect(told).toEqual([header, message]);
    const ok = end(status.OK);
    inner.onReceiveStatus(ok);
    expect(told).toEqual([header, message, ok]);
    expect(movable.size).toBe(0);
    sent.abort('stopped answering');
    expect(cancelWithStatus).not.toHaveBeenCalled();
  });

  it('is not repeated by gRPC, unless the server has refused it unread', () => {
    const endOf = (isUnread: boolean, code: status) => {
      const { inner, attempt } = send({ isIdempotent: false });
      attempt.refuse.mockReturnValue(isUnread);
      const ended = { ...end(code), rstCode: isUnread ? 7 : 0 };
      inner.onReceiveStatus(ended);
      return ended.metadata.get(PUSHBACK_TRAILER);
    };
    expect(endOf(false, status.UNAVAILABLE)).toEqual(['-1']);
    expect(endOf(true, status.UNAVAILABLE)).toEqual([]);
    expect(endOf(false, status.NOT_FOUND)).toEqual([]);
  });

  it('says so when the server refused it before it looked at it', () => {
    const { inner, attempt } = send({ isIdempotent: false });
    inner.onReceiveStatus({ ...end(status.UNAVAILABLE), rstCode: 7 });
    expect(attempt.refuse.mock.calls).toEqual([[false]]);
  });

  it('says whether its connection had ended when it was refused', () => {
    const { inner, attempt, site } = send({ isIdempotent: false });
    site.endedConnections += 1;
    inner.onReceiveStatus({ ...end(status.UNAVAILABLE), rstCode: 7 });
    expect(attempt.refuse.mock.calls).toEqual([[true]]);
  });
});

describe('an attempt of a call that may be made again', () => {
  it('passes nothing on before all of the response has come', () => {
    const { inner, call } = send();
    const [header, message] = [new Metadata(), Buffer.from('x')];
    expect(movable.size).toBe(1);
    inner.onReceiveMetadata(header);
    inner.onReceiveMessage(message);
    expect(told).toEqual([]);
    expect(call.startRead).toHaveBeenCalledTimes(1);
    const ok = end(status.OK);
    inner.onReceiveStatus(ok);
    expect(told).toEqual([header, message, ok]);
    expect(told[0]).toBe(header);
    expect(movable.size).toBe(0);
  });

  it('hands on the headers of an error that is not tried again', () => {
    const { inner } = send();
    const header = new Metadata();
    inner.onReceiveMetadata(header);
    const notFound = end(status.NOT_FOUND);
    inner.onReceiveStatus(notFound);
    expect(told).toEqual([header, notFound]);
  });

  it('forgets what had come when the connection breaks before the status', () => {
    const { inner } = send();
    inner.onReceiveMetadata(new Metadata());
    inner.onReceiveMessage(Buffer.from('x'));
    const broken = end(status.UNAVAILABLE);
    inner.onReceiveStatus(broken);
    expect(told).toEqual([broken]);
  });

  it('can be given up, so that another is made', () => {
    const { sent, cancelWithStatus, attempt } = send();
    sent.abort('stopped answering');
    expect(attempt.excuse).toHaveBeenCalledTimes(1);
    expect(cancelWithStatus).toHaveBeenCalledWith(status.UNAVAILABLE, 'stopped answering');
  });

  it('is given up after its own time, and not after its end', () => {
    const { cancelWithStatus, inner } = send({ retry: { perTryTimeoutMs: 100 } });
    jest.advanceTimersByTime(100);
    expect(cancelWithStatus).toHaveBeenCalledWith(
      status.UNAVAILABLE,
      'no answer within 100 ms (perTryTimeoutMs)',
    );
    inner.onReceiveStatus(end(status.UNAVAILABLE));
    const answered = send({ retry: { perTryTimeoutMs: 100 } });
    answered.inner.onReceiveStatus(end(status.OK));
    jest.advanceTimersByTime(1000);
    expect(answered.cancelWithStatus).not.toHaveBeenCalled();
  });
});

describe('the time of one attempt', () => {
  it('does not end it while there is nobody else to ask', () => {
    canMove = false;
    const { cancelWithStatus, inner } = send({ retry: { perTryTimeoutMs: 100 } });
    jest.advanceTimersByTime(1000);
    expect(cancelWithStatus).not.toHaveBeenCalled();
    inner.onReceiveStatus(end(status.OK));
  });
});

describe('pushback (F33)', () => {
  it('is asked of gRPC not to try again where a server is exhausted and names no time', () => {
    const { inner } = send();
    const exhausted = end(status.RESOURCE_EXHAUSTED);
    inner.onReceiveStatus(exhausted);
    expect(exhausted.metadata.get(PUSHBACK_TRAILER)).toEqual(['-1']);
  });

  it.each(['-1', 'soon'])('of the server forbids another attempt: %s', (pushback) => {
    const { inner } = send();
    const exhausted = end(status.RESOURCE_EXHAUSTED, pushback);
    inner.onReceiveStatus(exhausted);
    expect(exhausted.metadata.get(PUSHBACK_TRAILER)).toEqual(['-1']);
  });

  it('of an overloaded server holds for the instance, and not for the call', () => {
    const { inner, sent } = send();
    const exhausted = end(status.RESOURCE_EXHAUSTED, '500');
    inner.onReceiveStatus(exhausted);
    expect(exhausted.metadata.get(PUSHBACK_TRAILER)).toEqual([]);
    sent.onCallEnded(exhausted.code, '', exhausted.metadata);
    expect(ends).toEqual([
      [
        exhausted.code,
        {
          details: '',
          trailers: exhausted.metadata,
          endedBy: 'server',
          restMs: 500,
          allowedMs: undefined,
        },
      ],
    ]);
  });

  it('is not added to what is tried again without it', () => {
    const { inner } = send();
    const unavailable = end(status.UNAVAILABLE);
    inner.onReceiveStatus(unavailable);
    expect(unavailable.metadata.get(PUSHBACK_TRAILER)).toEqual([]);
  });

  it.each<[string, status, string | undefined, number | undefined]>([
    ['a time', status.RESOURCE_EXHAUSTED, '500', 500],
    ['none', status.RESOURCE_EXHAUSTED, undefined, undefined],
    ['never again', status.RESOURCE_EXHAUSTED, '-1', undefined],
    ['nonsense', status.RESOURCE_EXHAUSTED, 'soon', undefined],
    ['a time, with another status', status.UNAVAILABLE, '500', undefined],
  ])('lets the instance rest: %s', (_what, code, pushback, restMs) => {
    const { sent, inner } = send({ isIdempotent: false });
    const status = end(code, pushback);
    inner.onReceiveStatus(status);
    const { metadata } = status;
    sent.onCallEnded(code, 'details', metadata);
    expect(ends).toEqual([
      [
        code,
        { details: 'details', trailers: metadata, endedBy: 'server', restMs, allowedMs: undefined },
      ],
    ]);
  });
});

describe('a second message of a unary response', () => {
  it.each([true, false])('C12: ends the attempt, idempotent or not: %s', (isIdempotent) => {
    const { inner, cancelWithStatus } = send({ isIdempotent });
    inner.onReceiveMessage(Buffer.from('one'));
    expect(cancelWithStatus).not.toHaveBeenCalled();
    inner.onReceiveMessage(Buffer.from('two'));
    expect(cancelWithStatus).toHaveBeenCalledWith(
      status.UNIMPLEMENTED,
      'Too many responses received',
    );
    inner.onReceiveStatus(end(status.UNIMPLEMENTED));
  });
});

describe('the time that an attempt was allowed to take', () => {
  it.each([
    ['250m', undefined, 250],
    ['3S', 100, 100],
    ['2M', undefined, 120_000],
    ['1H', undefined, 3_600_000],
    [undefined, undefined, Number.POSITIVE_INFINITY],
  ])('is the rest of the deadline or perTryTimeoutMs: %s, %s', (timeout, perTryTimeoutMs, ms) => {
    const metadata = new Metadata();
    if (timeout !== undefined) metadata.set('grpc-timeout', timeout);
    const retry = perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs };
    const late = send({ retry, metadata });
    late.sent.onCallEnded(status.DEADLINE_EXCEEDED, '', new Metadata());
    late.inner.onReceiveStatus(end(status.CANCELLED));
    expect(ends).toMatchObject([[status.DEADLINE_EXCEEDED, { allowedMs: ms }]]);
  });
});

describe('where the end of an attempt came from', () => {
  const endedBy = (code = status.UNAVAILABLE) => {
    const [[, ending] = []] = ends as [status, { endedBy: string }][];
    ends = [];
    return [code, ending?.endedBy];
  };

  it.each([
    ['server', { ...end(status.UNAVAILABLE), details: 'told to fail' }],
    ['connection', { ...end(status.INTERNAL), rstCode: 2 }],
    ['connection', { ...end(status.UNAVAILABLE), details: 'Connection dropped' }],
  ])('is the %s', (expected, how) => {
    const { sent, inner } = send({ isIdempotent: false });
    inner.onReceiveStatus(how);
    sent.onCallEnded(how.code, how.details, how.metadata);
    expect(endedBy()).toEqual([status.UNAVAILABLE, expected]);
  });

  it.each([
    ['client', status.CANCELLED],
    ['client', status.RESOURCE_EXHAUSTED],
    ['timeout', status.DEADLINE_EXCEEDED],
  ])('is the %s if this process ended it: %i', (expected, code) => {
    const { sent, call, inner } = send();
    call.cancelWithStatus(code, 'here');
    inner.onReceiveStatus(end(code));
    sent.onCallEnded(code, 'here', new Metadata());
    expect(endedBy(code)).toEqual([code, expected]);
  });

  it('is the client too if the call above ended before its status came', () => {
    const { sent, inner } = send();
    sent.onCallEnded(status.INTERNAL, 'cannot be decoded', new Metadata());
    inner.onReceiveStatus(end(status.CANCELLED));
    expect(endedBy()).toEqual([status.UNAVAILABLE, 'client']);
  });

  it('is the timeout of one try', () => {
    const { sent, inner } = send({ retry: { perTryTimeoutMs: 100 } });
    jest.advanceTimersByTime(100);
    inner.onReceiveStatus(end(status.UNAVAILABLE));
    sent.onCallEnded(status.UNAVAILABLE, 'no answer', new Metadata());
    expect(endedBy()).toEqual([status.UNAVAILABLE, 'timeout']);
  });
});
