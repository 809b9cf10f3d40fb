import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_SIZE_LIMITS } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { planOf } from '../../../../client-sdk/src/call/method-plan.ts';
import { MethodPlans } from '../../../../client-sdk/src/call/method-plans.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';

const getUser = '/user.v1.UserService/GetUser';
const createUser = '/user.v1.UserService/CreateUser';

function plan(policy: ServicePolicy = {}, traits: Partial<Parameters<typeof planOf>[1]> = {}) {
  const known = { path: getUser, type: 'unary', isIdempotent: true, ...traits } as const;
  return planOf(resolvePolicy(policy), known);
}

describe('planOf', () => {
  it('retries what the contract marks idempotent, when it was refused or the connection broke', () => {
    expect(plan()).toEqual({
      strategy: 'round_robin',
      sizeLimits: DEFAULT_SIZE_LIMITS,
      isUnary: true,
      defaultDeadlineMs: 2000,
      isMovable: true,
      maxAttempts: 3,
      hedgeAfterMs: undefined,
      perTryTimeoutMs: undefined,
      methodConfig: {
        name: [],
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.02s',
          maxBackoff: '0.2s',
          backoffMultiplier: 2,
          retryableStatusCodes: [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED],
        },
      },
    });
  });

  it('makes anything else once: a write, a method no contract told of, one with retries off', () => {
    // gRPC may repeat what a server refused unread; GrpcAttempt forbids any other repetition.
    const retryPolicy = expect.objectContaining({ maxAttempts: 5 });
    const once = { methodConfig: { name: [], retryPolicy }, isMovable: false, maxAttempts: 1 };
    expect(plan({}, { isIdempotent: false })).toMatchObject(once);
    expect(plan({ retry: false })).toMatchObject(once);
    expect(planOf(resolvePolicy(), undefined)).toEqual({
      strategy: 'round_robin',
      sizeLimits: DEFAULT_SIZE_LIMITS,
      isUnary: false,
      defaultDeadlineMs: undefined,
      perTryTimeoutMs: undefined,
      hedgeAfterMs: undefined,
      ...once,
    });
  });

  it('hedges instead of retrying where that is on', () => {
    const hedged = plan({ hedging: { delayMs: 50 } });
    expect(hedged).toMatchObject({ maxAttempts: 2, hedgeAfterMs: 50 });
    expect(hedged.methodConfig).toEqual({
      name: [],
      hedgingPolicy: {
        maxAttempts: 2,
        hedgingDelay: '0.05s',
        nonFatalStatusCodes: [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED],
      },
    });
    expect(hedged).toMatchObject({ isMovable: true, perTryTimeoutMs: undefined });
  });

  it('moves no stream, and gives it no deadline', () => {
    const stream = plan({}, { type: 'server_stream' });
    expect(stream).toMatchObject({ isMovable: false, defaultDeadlineMs: undefined });
    expect(stream.methodConfig.retryPolicy).toBeDefined();
  });

  it('goes by the policy of the method, where it has one', () => {
    const policy: ServicePolicy = {
      defaultDeadlineMs: 900,
      retry: { perTryTimeoutMs: 300 },
      methods: { GetUser: { defaultDeadlineMs: 100, retry: false } },
    };
    expect(plan(policy)).toMatchObject({ defaultDeadlineMs: 100, isMovable: false });
    const other = { path: '/user.v1.UserService/ListUsers' };
    expect(plan(policy, other)).toMatchObject({ defaultDeadlineMs: 900, perTryTimeoutMs: 300 });
  });

  it('names the strategy as it is in the zone', () => {
    const { strategy } = plan({ strategy: 'p2c_ewma', preferZone: true });
    expect(strategy).toBe('p2c_ewma in zone');
  });
});

describe('MethodPlans', () => {
  const policy = resolvePolicy();

  it('plans a method once for each policy', () => {
    const plans = new MethodPlans();
    plans.learn(methodsOf(UserServiceDefinition));
    const first = plans.of(policy, getUser);
    expect(first.isMovable).toBe(true);
    expect(plans.of(policy, getUser)).toBe(first);
    expect(plans.of(policy, createUser)).toMatchObject({ isUnary: true, isMovable: false });
    const other = resolvePolicy({ defaultDeadlineMs: 5 });
    expect(plans.of(other, getUser).defaultDeadlineMs).toBe(5);
    expect(plans.of(policy, getUser)).toBe(first);
  });

  it('calls what no contract told of once, until one does', () => {
    const plans = new MethodPlans();
    const unknown = plans.of(policy, getUser);
    expect(unknown).toMatchObject({ isUnary: false, isMovable: false });
    expect(plans.of(policy, '/any.Other/Method')).toBe(unknown);
    plans.learn(methodsOf(UserServiceDefinition));
    expect(plans.of(policy, getUser).isMovable).toBe(true);
    expect(plans.of(policy, '/any.Other/Method').isMovable).toBe(false);
  });
});
