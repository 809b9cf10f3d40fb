import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { UserServiceDefinition } from '@weft/proto/user';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { CallPolicy, TIMEOUT_KEY } from '../../../../client-sdk/src/call/call-policy.ts';
import { stubChannel } from '../../../../client-sdk/src/call/mesh-channel.ts';
import { MethodTable } from '../../../../client-sdk/src/call/method-table.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';

const getUser = '/user.v1.UserService/GetUser';
const createUser = '/user.v1.UserService/CreateUser';
const watch = '/grpc.health.v1.Health/Watch';

function table(): MethodTable {
  const methods = new MethodTable();
  methods.learn(methodsOf(UserServiceDefinition));
  methods.learn([{ path: watch, isUnary: false, isIdempotent: true }]);
  return methods;
}

describe('CallPolicy', () => {
  const policy = new CallPolicy(table());

  it('retries what the contract marks idempotent, and only when it was UNAVAILABLE', () => {
    const { retryPolicy } = policy.invoke(getUser, new Metadata()).methodConfig;
    expect(retryPolicy).toMatchObject({
      maxAttempts: 3,
      retryableStatusCodes: [status.UNAVAILABLE],
    });
    expect(policy.invoke(createUser, new Metadata()).methodConfig.retryPolicy).toBeUndefined();
    expect(policy.invoke('/unknown/Call', new Metadata()).methodConfig.retryPolicy).toBeUndefined();
  });

  it.each([
    ['1500', { seconds: 1, nanos: 500_000_000 }],
    ['0', { seconds: 0, nanos: 0 }],
    ['0.5', { seconds: 0, nanos: 500_000 }],
  ])(
    'takes a timeout of %s ms from the metadata and lets nothing of it be sent',
    (text, timeout) => {
      const metadata = new Metadata();
      metadata.set(TIMEOUT_KEY, text);
      metadata.set('x-request-id', '7');
      expect(policy.invoke(getUser, metadata).methodConfig.timeout).toEqual(timeout);
      expect(metadata.getMap()).toEqual({ 'x-request-id': '7' });
    },
  );

  it('gives each call a record of its own and leaves no timeout behind for the next', () => {
    const metadata = new Metadata();
    metadata.set(TIMEOUT_KEY, '5');
    const [first, second] = [policy.invoke(getUser, metadata), policy.invoke(getUser, metadata)];
    expect(first.pickInformation).toBeInstanceOf(CallRecord);
    expect(second.pickInformation).not.toBe(first.pickInformation);
    expect(second.methodConfig.timeout).toBeUndefined();
  });
});

describe('stubChannel', () => {
  const deadlines: unknown[] = [];
  const inner = {
    createCall: (_path: string, deadline: unknown) => deadlines.push(deadline),
    close: () => {
      throw new Error('closing is the business of the mesh');
    },
  };
  const channel = stubChannel(inner as never, table(), 2000);
  const deadlineOf = (path: string, deadline: Date | number) => {
    channel.createCall(path, deadline, null, null, null);
    return deadlines.at(-1);
  };

  it('gives a unary call without a deadline the default, and leaves others as they are', () => {
    const before = Date.now();
    expect(deadlineOf(createUser, Infinity)).toBeGreaterThanOrEqual(before + 2000);
    expect(deadlineOf(createUser, 5)).toBe(5);
    expect(deadlineOf(watch, Infinity)).toBe(Infinity);
    expect(deadlineOf('/unknown/Call', Infinity)).toBe(Infinity);
  });

  it('is not closed by a stub that is', () => {
    channel.close();
  });
});
