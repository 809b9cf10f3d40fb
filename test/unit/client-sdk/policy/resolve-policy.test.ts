import { describe, expect, it } from '@jest/globals';
import { DEFAULT_SIZE_LIMITS } from '@weft/proto';
import { methodPolicy } from '../../../../client-sdk/src/policy/method-policy.ts';
import { resolveLayers, resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}

const backoff = { initialBackoffMs: 20, maxBackoffMs: 200, backoffMultiplier: 2 };

describe('resolvePolicy', () => {
  it('fills in the defaults', () => {
    expect(resolvePolicy()).toEqual({
      strategy: 'round_robin',
      sizeLimits: DEFAULT_SIZE_LIMITS,
      hashHeader: undefined,
      defaultDeadlineMs: 2000,
      retry: { maxAttempts: 3, ...backoff },
      hedging: undefined,
      retryBudget: { ratio: 0.2, minPerSecond: 10 },
      breaker: { failures: 5, resetMs: 60_000, probeTimeoutMs: 10_000, windowMs: 10_000 },
      outlierEjection: {
        intervalMs: 5000,
        minRequests: 5,
        stdevFactor: 1.9,
        consecutiveFailures: 5,
        baseEjectionMs: 10_000,
        maxEjectionMs: 300_000,
        maxEjectedShare: 0.5,
      },
      panicThreshold: 0.5,
      maxInFlightPerInstance: 1000,
      maxInFlight: 10_000,
      slowStartMs: 10_000,
      subset: { size: 50, from: 100 },
      preferZone: false,
      methods: new Map(),
    });
  });

  it('takes undefined for not given, and false for off', () => {
    expect(resolvePolicy({ strategy: undefined, retry: undefined })).toEqual(resolvePolicy());
    expect(
      resolvePolicy({ retry: false, hedging: false, outlierEjection: false, subset: false }),
    ).toMatchObject({
      retry: undefined,
      hedging: undefined,
      outlierEjection: undefined,
      subset: undefined,
    });
  });

  it('takes values that are falsy and no switches', () => {
    expect(resolvePolicy({ slowStartMs: 0, panicThreshold: 0, preferZone: false })).toMatchObject({
      slowStartMs: 0,
      panicThreshold: 0,
    });
  });

  it('neither changes nor keeps what it is given, and cannot be changed', () => {
    const policy: ServicePolicy = {
      retry: { initialBackoffMs: 500 },
      breaker: { failures: 3 },
      methods: { getUser: { hedging: { delayMs: 5 } } },
    };
    const before = structuredClone(policy);
    const resolved = resolvePolicy(frozen(structuredClone(policy)));
    expect(resolvePolicy(policy)).toEqual(resolved);
    expect(policy).toEqual(before);
    expect(Object.isFrozen(resolved) && Object.isFrozen(resolved.breaker)).toBe(true);
  });
});

describe('inheritance', () => {
  it('goes from mesh to service to method, field by field', () => {
    const policy = resolveLayers([
      { defaultDeadlineMs: 1000, retry: { initialBackoffMs: 50 }, breaker: { failures: 9 } },
      {
        retry: { maxAttempts: 4 },
        breaker: { resetMs: 5 },
        methods: { GetUser: { retry: { maxBackoffMs: 60 } }, ListUsers: { defaultDeadlineMs: 7 } },
      },
    ]);
    expect(policy.breaker).toMatchObject({ failures: 9, resetMs: 5, probeTimeoutMs: 10_000 });
    expect(policy.retry).toEqual({ ...backoff, maxAttempts: 4, initialBackoffMs: 50 });
    expect(methodPolicy(policy, 'GetUser')).toEqual({
      defaultDeadlineMs: 1000,
      retry: { maxAttempts: 4, initialBackoffMs: 50, maxBackoffMs: 60, backoffMultiplier: 2 },
      hedging: undefined,
      sizeLimits: DEFAULT_SIZE_LIMITS,
    });
    expect(methodPolicy(policy, 'ListUsers')).toMatchObject({
      defaultDeadlineMs: 7,
      retry: policy.retry,
    });
  });

  it('overlays each size limit on its own', () => {
    const policy = resolveLayers([
      { maxSendMessageBytes: 10_000, maxReceiveMessageBytes: 20_000 },
      { maxReceiveMessageBytes: 30_000, methods: { GetUser: { maxReceiveMetadataBytes: 5000 } } },
    ]);
    const service = {
      ...DEFAULT_SIZE_LIMITS,
      maxSendMessageBytes: 10_000,
      maxReceiveMessageBytes: 30_000,
    };
    expect(policy.sizeLimits).toEqual(service);
    const method = { ...service, maxReceiveMetadataBytes: 5000 };
    expect(methodPolicy(policy, 'GetUser').sizeLimits).toEqual(method);
  });

  it('finds a method by the name of the contract and of the client, others at the service', () => {
    const policy = resolvePolicy({
      methods: { getUser: { defaultDeadlineMs: 7 }, constructor: { defaultDeadlineMs: 8 } },
    } as ServicePolicy);
    expect(methodPolicy(policy, 'GetUser').defaultDeadlineMs).toBe(7);
    expect(methodPolicy(policy, 'getUser').defaultDeadlineMs).toBe(7);
    expect(methodPolicy(policy, 'constructor').defaultDeadlineMs).toBe(8);
    expect(methodPolicy(policy, 'toString')).toBe(policy);
    expect(methodPolicy(policy, '__proto__')).toBe(policy);
  });

  it('keeps a policy of a method over one of its service that is said later', () => {
    const policy = resolveLayers([
      { methods: { GetUser: { defaultDeadlineMs: 7 } } },
      { defaultDeadlineMs: 50, methods: { getUser: { retry: false } } },
    ]);
    expect(methodPolicy(policy, 'GetUser')).toMatchObject({
      defaultDeadlineMs: 7,
      retry: undefined,
    });
  });

  it('starts from the defaults where a group that is off is set again', () => {
    const off = { retry: { initialBackoffMs: 50 } };
    const policy = resolveLayers([off, { retry: false }, { retry: { maxAttempts: 2 } }]);
    expect(policy.retry).toEqual({ ...backoff, maxAttempts: 2 });
    const ejection = resolveLayers([{ outlierEjection: false }, { outlierEjection: {} }]);
    expect(ejection.outlierEjection).toEqual(resolvePolicy().outlierEjection);
  });

  it('moves the inherited half of a pair to the one that is set', () => {
    expect(resolvePolicy({ retry: { initialBackoffMs: 500 } }).retry).toMatchObject({
      initialBackoffMs: 500,
      maxBackoffMs: 500,
    });
    expect(resolvePolicy({ retry: { maxBackoffMs: 5 } }).retry).toMatchObject({
      initialBackoffMs: 5,
      maxBackoffMs: 5,
    });
    expect(resolvePolicy({ subset: { size: 200 } }).subset).toEqual({ size: 200, from: 200 });
    expect(
      resolveLayers([
        { outlierEjection: { baseEjectionMs: 50, maxEjectionMs: 60 } },
        { outlierEjection: { maxEjectionMs: 40 } },
      ]).outlierEjection,
    ).toMatchObject({ baseEjectionMs: 40, maxEjectionMs: 40 });
  });
});

describe('hedging', () => {
  const hedging = { delayMs: 30 };

  it('takes the place of retries from above, which return where it is off', () => {
    const policy = resolveLayers([
      { retry: { maxAttempts: 4 } },
      { hedging, methods: { GetUser: { hedging: false } } },
    ]);
    expect(policy).toMatchObject({ retry: undefined, hedging: { delayMs: 30, maxAttempts: 2 } });
    expect(methodPolicy(policy, 'GetUser')).toMatchObject({
      retry: { maxAttempts: 4 },
      hedging: undefined,
      sizeLimits: DEFAULT_SIZE_LIMITS,
    });
  });

  it('is silenced by retries of a lower level', () => {
    const policy = resolveLayers([{ hedging }, { retry: { maxAttempts: 2 } }]);
    expect(policy).toMatchObject({ hedging: undefined, retry: { maxAttempts: 2 } });
    const method = resolveLayers([{ hedging, methods: { GetUser: { retry: {} } } }]);
    expect(method.hedging).toBeDefined();
    expect(methodPolicy(method, 'GetUser')).toMatchObject({
      hedging: undefined,
      retry: { maxAttempts: 3 },
    });
  });

  it('of a later layer stands over retries of the same method', () => {
    const methods = { GetUser: { retry: { maxAttempts: 4 } } };
    const policy = resolveLayers([{ methods }, { methods: { GetUser: { hedging } } }]);
    expect(methodPolicy(policy, 'GetUser')).toMatchObject({ retry: undefined, hedging });
  });
});
