import { type Channel, Metadata, status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UserServiceDefinition } from '@weft/proto/user';
import { settingsOf } from '../../../../client-sdk/src/call/call-settings.ts';
import { MethodPlans } from '../../../../client-sdk/src/call/method-plans.ts';
import {
  SETTINGS_KEY,
  streamMiddleware,
} from '../../../../client-sdk/src/call/stream-middleware.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';
import { stubChannel } from '../../../../client-sdk/src/grpc/mesh-channel.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import { IncomingCall, runInCall } from '../../../../client-sdk/src/server/call-context.ts';

const createUser = '/user.v1.UserService/CreateUser';
const watch = '/grpc.health.v1.Health/Watch';

const plans = new MethodPlans();
plans.learn(methodsOf(UserServiceDefinition));
plans.learn([{ path: watch, type: 'server_stream', isIdempotent: true }]);
const policy = resolvePolicy();
const planOf = (path: string) => plans.of(policy, path);

/** Calls that the channel below was asked for. */
let calls: ReturnType<typeof innerCall>[];

function innerCall(path: string, deadline: unknown) {
  const own = {
    path,
    deadline,
    metadata: undefined as Metadata | undefined,
    listener: undefined as Record<string, (argument: unknown) => void> | undefined,
    cancelWithStatus: jest.fn(),
    start: (metadata: Metadata, listener: Record<string, (argument: unknown) => void>) => {
      own.metadata = metadata;
      own.listener = listener;
    },
  };
  return own;
}

beforeEach(() => {
  calls = [];
});

const inner = {
  getTarget: () => 'mesh:///user-service',
  createCall: (path: string, deadline: unknown) => {
    const call = innerCall(path, deadline);
    calls.push(call);
    return call;
  },
  close: () => {
    throw new Error('closing is the business of the mesh');
  },
} as unknown as Channel;

function create(
  settings?: Parameters<typeof stubChannel>[2],
  path = createUser,
  deadline = Infinity,
) {
  const channel = stubChannel(inner, planOf, settings);
  const call = channel.createCall(path, deadline, null, null, null);
  return { call, below: calls.at(-1) as ReturnType<typeof innerCall> };
}

const listener = () => ({
  onReceiveMetadata: jest.fn(),
  onReceiveMessage: jest.fn(),
  onReceiveStatus: jest.fn(),
});

describe('stubChannel', () => {
  it('gives a unary call without a deadline the default, and leaves others as they are', () => {
    const before = Date.now();
    const deadlineOf = (path: string, deadline: number) =>
      create(undefined, path, deadline).below.deadline;
    expect(deadlineOf(createUser, Infinity)).toBeGreaterThanOrEqual(before + 2000);
    expect(deadlineOf(createUser, 5)).toBe(5);
    expect(deadlineOf(watch, Infinity)).toBe(Infinity);
    expect(deadlineOf('/unknown/Call', Infinity)).toBe(Infinity);
  });

  it('is not closed by a stub that is, and is the channel otherwise', () => {
    const channel = stubChannel(inner, planOf, undefined);
    channel.close();
    expect(channel.getTarget()).toBe('mesh:///user-service');
  });

  it('F31: lets no call outlive the one it is made for', () => {
    const incoming = new IncomingCall(Date.now() + 300);
    const inherited = Number(incoming.deadline);
    for (const [path, deadline] of [
      [createUser, Infinity],
      [watch, Infinity],
      [createUser, inherited + 1000],
    ] as const) {
      const { below } = runInCall(incoming, () => create(undefined, path, deadline));
      // It is kept on the monotonic clock, and told in whole ms of the other.
      expect(Math.abs(Number(below.deadline) - inherited)).toBeLessThanOrEqual(1);
    }
    expect(runInCall(incoming, () => create(undefined, watch, 5)).below.deadline).toBe(5);
    const date = new Date(inherited - 100);
    const { below } = runInCall(incoming, () => create(undefined, watch, date as never));
    expect(below.deadline).toBe(inherited - 100);
  });

  it('F32: ends a call with the one it is made for', () => {
    const incoming = new IncomingCall(undefined);
    const { call, below } = runInCall(incoming, () => create());
    call.start(new Metadata(), listener());
    expect(below.cancelWithStatus).not.toHaveBeenCalled();
    incoming.cancel();
    expect(below.cancelWithStatus).toHaveBeenCalledWith(status.CANCELLED, expect.any(String));
    const late = new IncomingCall(undefined);
    late.cancel();
    const second = runInCall(late, () => create());
    second.call.start(new Metadata(), listener());
    expect(second.below.cancelWithStatus).toHaveBeenCalledTimes(1);
  });

  it('passes everything on, and holds a call no longer when it has ended', () => {
    const incoming = new IncomingCall(undefined);
    const { call, below } = runInCall(incoming, () => create());
    const given = listener();
    call.start(new Metadata(), given);
    below.listener?.onReceiveMetadata?.('header');
    below.listener?.onReceiveMessage?.('message');
    below.listener?.onReceiveStatus?.('status');
    expect(given.onReceiveMetadata).toHaveBeenCalledWith('header');
    expect(given.onReceiveMessage).toHaveBeenCalledWith('message');
    expect(given.onReceiveStatus).toHaveBeenCalledWith('status');
    incoming.cancel();
    expect(below.cancelWithStatus).not.toHaveBeenCalled();
  });

  it('sends the settings of its place with each call', () => {
    const settings = { policy, hashKey: 'k' };
    const { call, below } = create(settings);
    call.start(new Metadata(), listener());
    expect(settingsOf(below.metadata as Metadata)).toEqual(settings);
  });
});

describe('the options of a streaming call', () => {
  /** Makes a call through the middleware as nice-grpc does. */
  async function stream(options: Record<string, unknown>, settings?: Parameters<typeof create>[0]) {
    let sent: Metadata | undefined;
    const next = async function* (_request: unknown, passed: { metadata?: Map<string, string[]> }) {
      const metadata = new Metadata();
      for (const [key, values] of passed.metadata ?? [])
        for (const value of values) metadata.add(key, value);
      const { call, below } = create(settings, watch);
      call.start(metadata, listener());
      sent = below.metadata;
      expect(passed).not.toHaveProperty('hashKey');
      yield 'response';
    };
    for await (const _ of streamMiddleware({ request: {}, next } as never, options as never));
    return sent as Metadata;
  }

  it('reach the channel, and nothing of them is sent', async () => {
    const onReport = () => {};
    const sent = await stream({ timeoutMs: 5, hashKey: 'k', onReport });
    expect(sent.getMap()).toEqual({});
    expect(settingsOf(sent)).toMatchObject({ timeoutMs: 5, hashKey: 'k', onReport });
  });

  it('stand over the settings of the place', async () => {
    const sent = await stream({ hashKey: 'k' }, { policy, hashKey: 'of the place' });
    expect(settingsOf(sent)).toMatchObject({ policy, hashKey: 'k' });
  });

  it('are told of the report if the call fails, also of a call that asks for nothing', async () => {
    expect(settingsOf(await stream({}))).toEqual({ onFailure: expect.any(Function) });
  });

  it('of another call cannot be had by a header that looks like it', async () => {
    const { call, below } = create(undefined, watch);
    const metadata = new Metadata();
    metadata.set(SETTINGS_KEY, '999999');
    call.start(metadata, listener());
    expect(below.metadata?.getMap()).toEqual({});
    expect(settingsOf(metadata)).toBeUndefined();
  });
});
