import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { invalidArgument } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { AbortError, isAbortError } from 'abort-controller-x';
import { createClientFactory } from 'nice-grpc';
import { ClientError, Metadata, ServerError, Status } from 'nice-grpc-common';
import { RichClientError } from 'nice-grpc-error-details';
import type { CallSettings } from '../../../../client-sdk/src/call/call-settings.ts';
import { createMeshClient, unaryCaller } from '../../../../client-sdk/src/call/mesh-client.ts';
import { IncomingCall, runInCall } from '../../../../client-sdk/src/server/call-context.ts';
import { createPlainUserServer, type PlainUserServer } from './plain-user-server.ts';

let server: PlainUserServer;

beforeAll(async () => {
  server = await createPlainUserServer();
});
beforeEach(() => server.handle(async (id) => id));
afterAll(() => server.close());

function client(settings?: CallSettings) {
  const streams = createClientFactory().create(UserServiceDefinition, server.channel);
  return createMeshClient(UserServiceDefinition, server.site(settings), streams);
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a unary method', () => {
  it('takes part of a request and answers the response', async () => {
    const { user } = await client().getUser({ id: 'a' });
    expect(user).toMatchObject({ id: 'a', name: 'a', email: '' });
    expect((await client().createUser({ name: 'b' })).user?.name).toBe('b');
    expect(await client().listUsers({})).toMatchObject({ users: [] });
  });

  it('sends metadata, and hands on headers and trailers', async () => {
    server.handle(async (_id, context) => {
      context.header.set('x-header', 'h').set('x-bytes-bin', new Uint8Array([1, 2]));
      context.trailer.set('x-trailer', ['t1', 't2']);
      return `${context.metadata.get('x-request-id')} ${context.metadata.getAll('x-many')}`;
    });
    const [onHeader, onTrailer] = [jest.fn(), jest.fn()];
    const metadata = Metadata({ 'x-request-id': '7', 'x-many': ['1', '2'] });
    const { user } = await client().getUser({ id: 'a' }, { metadata, onHeader, onTrailer });
    expect(user?.name).toBe('7 1, 2');
    const [[header]] = onHeader.mock.calls as [[Metadata]];
    expect(header.get('x-header')).toBe('h');
    expect([...(header.get('x-bytes-bin') ?? [])]).toEqual([1, 2]);
    const [[trailer]] = onTrailer.mock.calls as [[Metadata]];
    expect(trailer.getAll('x-trailer').join()).toBe('t1, t2');
  });

  it('does not change the metadata it was given, and sends no settings', async () => {
    server.handle(async (_id, { metadata }) =>
      [...metadata]
        .map(([key]) => key)
        .filter((key) => key.includes('weft'))
        .join(),
    );
    const metadata = Metadata({ a: '1' });
    const options = { metadata, hashKey: 'k', onReport: () => {}, timeoutMs: 1000 };
    expect((await client({ hashKey: 'site' }).getUser({ id: 'a' }, options)).user?.name).toBe('');
    expect([...metadata]).toEqual([['a', ['1']]]);
  });

  it('throws what cannot be encoded as it is; what cannot be decoded fails the call', async () => {
    const broken = (what: string) => (): never => {
      throw new TypeError(what);
    };
    const path = '/user.v1.UserService/GetUser';
    const empty = () => Buffer.alloc(0);
    const encode = unaryCaller(path, broken('encode'), String, server.site());
    await expect(encode({})).rejects.toThrow(new TypeError('encode'));
    const decode = unaryCaller(path, empty, broken('decode'), server.site());
    await expect(decode({})).rejects.toMatchObject({
      code: Status.INTERNAL,
      details: expect.stringContaining('cannot be decoded: decode'),
    });
  });
});

describe('a callback that throws', () => {
  it.each(['onHeader', 'onTrailer'])('fails the call with what it threw: %s', async (name) => {
    const thrown = new Error('broken callback');
    const options = {
      [name]: () => {
        throw thrown;
      },
    };
    expect(await failureOf(client().getUser({ id: 'a' }, options))).toBe(thrown);
  });
});

describe('a failed call', () => {
  it('has path, code and details', async () => {
    server.handle(async () => {
      throw new ServerError(Status.NOT_FOUND, 'no such user');
    });
    const error = await failureOf(client().getUser({ id: 'a' }));
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      path: '/user.v1.UserService/GetUser',
      code: Status.NOT_FOUND,
      details: 'no such user',
    });
  });

  it('has the google.rpc details that came with it, and trailers are handed on', async () => {
    server.handle(async (_id, { trailer }) => {
      trailer.set('x-trailer', 't');
      throw invalidArgument({ field: 'id', description: 'is no id' });
    });
    const onTrailer = jest.fn();
    const error = await failureOf(client().getUser({ id: 'a' }, { onTrailer }));
    expect(error).toBeInstanceOf(RichClientError);
    expect(error).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      extra: [
        expect.objectContaining({ $type: 'google.rpc.ErrorInfo', reason: 'INVALID_FIELD' }),
        expect.objectContaining({
          $type: 'google.rpc.BadRequest',
          fieldViolations: [expect.objectContaining({ field: 'id', description: 'is no id' })],
        }),
      ],
    });
    const [[trailer]] = onTrailer.mock.calls as [[Metadata]];
    expect(trailer.get('x-trailer')).toBe('t');
  });

  it('is UNIMPLEMENTED where nobody offers the method', async () => {
    const call = unaryCaller('/no.Such/Method', () => Buffer.alloc(0), String, server.site());
    expect(await failureOf(call({}))).toMatchObject({ code: Status.UNIMPLEMENTED });
  });
});

describe('the deadline', () => {
  /** How long a call may take, in ms, as the channel is told. */
  async function timeLeft(call: () => Promise<unknown>): Promise<number> {
    const createCall = jest.spyOn(server.channel, 'createCall');
    const before = Date.now();
    await call();
    const [[, deadline] = []] = createCall.mock.calls;
    createCall.mockRestore();
    return Number(deadline) - before;
  }

  it('is the default of the plan, the one of the call, or none', async () => {
    const left = (timeoutMs?: number) =>
      timeLeft(() => client().getUser({ id: 'a' }, timeoutMs === undefined ? {} : { timeoutMs }));
    expect(Math.abs((await left()) - 2000)).toBeLessThan(500);
    expect(Math.abs((await left(60_000)) - 60_000)).toBeLessThan(500);
    expect(await left(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });

  it('ends a call that takes longer', async () => {
    server.handle(
      (_id, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(''))),
    );
    const error = await failureOf(client().getUser({ id: 'a' }, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  });

  it('F31: keeps a call from being sent when it is spent, and is inherited otherwise', async () => {
    const before = server.calls;
    expect(await failureOf(client().getUser({ id: 'a' }, { timeoutMs: 0 }))).toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
      path: '/user.v1.UserService/GetUser',
    });
    const spent = new IncomingCall(Date.now());
    const call = () => client().getUser({ id: 'a' });
    expect(await failureOf(runInCall(spent, call))).toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
    });
    expect(server.calls).toBe(before);
    const incoming = new IncomingCall(Date.now() + 1000);
    expect(await timeLeft(() => runInCall(incoming, call))).toBeLessThanOrEqual(1000);
  });

  it('is refused when it is no number', async () => {
    const error = await failureOf(client().getUser({ id: 'a' }, { timeoutMs: Number.NaN }));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', setting: 'timeoutMs' });
  });
});

describe('a cancelled call', () => {
  it('is not sent when it was cancelled before', async () => {
    const before = server.calls;
    const error = await failureOf(client().getUser({ id: 'a' }, { signal: AbortSignal.abort() }));
    expect(isAbortError(error)).toBe(true);
    expect(server.calls).toBe(before);
  });

  it.each(['the caller', 'the incoming call'])('F32: ends at the server too: by %s', async (by) => {
    const own = new AbortController();
    const incoming = new IncomingCall(undefined);
    const ended = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    server.handle(async (_id, { signal }) => {
      arrived.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended.resolve();
      return '';
    });
    const call = runInCall(incoming, () => client().getUser({ id: 'a' }, { signal: own.signal }));
    const failure = failureOf(call);
    await arrived.promise;
    if (by === 'the caller') own.abort();
    else incoming.cancel();
    expect(await failure).toBeInstanceOf(AbortError);
    await ended.promise;
  });

  it('leaves no listener on a signal that outlives its calls', async () => {
    const { signal } = new AbortController();
    const [add, remove] = [
      jest.spyOn(signal, 'addEventListener'),
      jest.spyOn(signal, 'removeEventListener'),
    ];
    await client().getUser({ id: 'a' }, { signal });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove.mock.calls).toContainEqual(['abort', add.mock.calls[0]?.[1]]);
  });
});
