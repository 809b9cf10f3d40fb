import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UserServiceDefinition } from '@weft/proto/user';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { CallSelector } from '../../../../client-sdk/src/call/call-selector.ts';
import { attachSettings } from '../../../../client-sdk/src/call/call-settings.ts';
import { MethodPlans } from '../../../../client-sdk/src/call/method-plans.ts';
import { PlannedCall } from '../../../../client-sdk/src/call/planned-call.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';
import { endpoint } from '../fixtures.ts';

const getUser = '/user.v1.UserService/GetUser';
const createUser = '/user.v1.UserService/CreateUser';

let balancer: Balancer;
let selector: CallSelector;

function setUp(policy: ServicePolicy = {}): void {
  balancer = new Balancer({
    service: 'user-service',
    policy: resolvePolicy(policy),
    createBreaker: () => endpoint('any').breaker,
    now: () => 77,
  });
  const plans = new MethodPlans();
  plans.learn(methodsOf(UserServiceDefinition));
  selector = new CallSelector(balancer, plans);
}

beforeEach(() => setUp());
afterEach(() => balancer.close());

function select(path: string, metadata = new Metadata()) {
  const config = selector.invoke(path, metadata);
  return { ...config, call: config.pickInformation as unknown as PlannedCall };
}

function withHeader(value: string, name = 'x-user'): Metadata {
  const metadata = new Metadata();
  metadata.set(name, value);
  return metadata;
}

describe('CallSelector', () => {
  it('goes by the plan of the method', () => {
    expect(select(getUser)).toMatchObject({ status: status.OK });
    expect(select(getUser).methodConfig).toBe(selector.planOf(getUser).methodConfig);
    expect(select(getUser).methodConfig.retryPolicy).toMatchObject({ maxAttempts: 3 });
    expect(select(getUser).call.maxAttempts).toBe(3);
    expect(select(createUser).call.maxAttempts).toBe(1);
    expect(select('/unknown/Call').call.maxAttempts).toBe(1);
  });

  it('gives each call a record of its own', () => {
    const [first, second] = [select(getUser).call, select(getUser).call];
    expect(first).toBeInstanceOf(PlannedCall);
    expect(first).toMatchObject({
      path: getUser,
      startedAt: 77,
      isUnary: true,
      hashKey: undefined,
      strategy: 'round_robin',
    });
    expect(second).not.toBe(first);
    expect(select('/unknown/Call').call.isUnary).toBe(false);
  });

  it.each([
    [1500, { seconds: 1, nanos: 500_000_000 }],
    [0, { seconds: 0, nanos: 0 }],
    [0.5, { seconds: 0, nanos: 500_000 }],
    [-5, { seconds: 0, nanos: 0 }],
    [2 ** 31, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ])('takes a timeout of %s ms that comes with the call', (timeoutMs, timeout) => {
    const metadata = withHeader('7', 'x-request-id');
    attachSettings(metadata, { timeoutMs });
    const { methodConfig } = select(getUser, metadata);
    expect(methodConfig.timeout).toEqual(timeout);
    expect(methodConfig.retryPolicy).toBeDefined();
    expect(metadata.getMap()).toEqual({ 'x-request-id': '7' });
    expect(select(getUser).methodConfig.timeout).toBeUndefined();
  });

  it('follows a change of the policy', () => {
    balancer.setPolicy(resolvePolicy({ strategy: 'random', retry: false }));
    expect(select(getUser).call.strategy).toBe('random');
    expect(select(getUser).call.maxAttempts).toBe(1);
  });

  it('goes by the policy of the call site before that of the service', () => {
    const metadata = withHeader('u1');
    const policy = resolvePolicy({
      strategy: 'consistent_hash',
      hashHeader: 'x-user',
      retry: false,
    });
    attachSettings(metadata, { policy });
    const { call } = select(getUser, metadata);
    expect(call).toMatchObject({ strategy: 'consistent_hash', hashKey: 'u1', maxAttempts: 1 });
  });
});

describe('the hash key', () => {
  beforeEach(() => setUp({ strategy: 'consistent_hash', hashHeader: 'x-user' }));

  it('is the header that the policy names, or what the call says itself', () => {
    expect(select(getUser, withHeader('u1')).call.hashKey).toBe('u1');
    const metadata = withHeader('u1');
    attachSettings(metadata, { hashKey: 'u2' });
    expect(select(getUser, metadata).call.hashKey).toBe('u2');
  });

  it('is the first of several', () => {
    const metadata = withHeader('u1');
    metadata.add('x-user', 'u2');
    expect(select(getUser, metadata).call.hashKey).toBe('u1');
  });

  it('B34: is none when the header is absent, and taken as it is however long', () => {
    expect(select(getUser).call.hashKey).toBeUndefined();
    const long = 'x'.repeat(1024 * 1024);
    expect(select(getUser, withHeader(long)).call.hashKey).toHaveLength(long.length);
  });

  it('is not read where no header is named', () => {
    setUp({ strategy: 'consistent_hash' });
    expect(select(getUser, withHeader('u1')).call.hashKey).toBeUndefined();
  });
});
