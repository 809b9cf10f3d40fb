import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import { policyFaults } from '../../../../client-sdk/src/policy/read-policies.ts';
import { checkServicePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';

const PATH = ['services', 'user-service'];

function failureOf(policy: unknown): unknown {
  try {
    return checkServicePolicy(policy as ServicePolicy, PATH);
  } catch (error) {
    return error;
  }
}

/** A policy with `value` at a dotted path. */
function policyWith(path: string, value: unknown): object {
  return path
    .split('.')
    .toReversed()
    .reduce<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

const wrongTypes = [null, 'x', true, [], () => 1, Symbol('s'), 1n, Object.create(null)];
const never = [Number.NaN, Infinity, -Infinity, -1, ...wrongTypes];
const day = 86_400_000;

/** Each number with what lies just within its range and just outside. */
const numbers: [path: string, within: number[], outside: unknown[]][] = [
  ['defaultDeadlineMs', [1, 1.5, day], [0, 0.5, day + 1]],
  ['maxSendMessageBytes', [1024, 2 ** 30], [1023, 1024.5, 2 ** 30 + 1]],
  ['maxReceiveMessageBytes', [1024, 2 ** 30], [1023, 2 ** 30 + 1]],
  ['maxSendMetadataBytes', [1024, 61_440], [1023, 61_441]],
  ['maxReceiveMetadataBytes', [1024, 61_440], [1023, 61_441]],
  ['retry.maxAttempts', [2, 5], [0, 1, 2.5, 6, 99]],
  ['retry.initialBackoffMs', [1, day], [0, day + 1]],
  ['retry.maxBackoffMs', [1, day], [0, day + 1]],
  ['retry.backoffMultiplier', [1, 1.5, 10], [0, 0.9, 11]],
  ['retry.perTryTimeoutMs', [1, day], [0, day + 1]],
  ['retryBudget.ratio', [0, 1], [-0.1, 1.1]],
  ['retryBudget.minPerSecond', [0, 1000], [-1, 1001]],
  ['breaker.failures', [1, 1_000_000], [0, 1.5, 1_000_001]],
  ['breaker.resetMs', [1, day], [0, day + 1]],
  ['breaker.probeTimeoutMs', [1, day], [0, 2 ** 31]],
  ['outlierEjection.intervalMs', [1, day], [0, day + 1]],
  ['outlierEjection.minRequests', [1, 1_000_000], [0, 1.5]],
  ['outlierEjection.stdevFactor', [0.1, 10], [0, 11]],
  ['outlierEjection.consecutiveFailures', [1, 1_000_000], [0, 0.5]],
  ['outlierEjection.baseEjectionMs', [1, day], [0, day + 1]],
  ['outlierEjection.maxEjectionMs', [1, day], [0, day + 1]],
  ['outlierEjection.maxEjectedShare', [0, 0.5], [0.51, 50]],
  ['panicThreshold', [0, 1], [1.01, 50]],
  ['maxInFlightPerInstance', [1, 1_000_000], [0, 1.5]],
  ['maxInFlight', [1, 1_000_000], [0, 1.5]],
  ['slowStartMs', [0, day], [day + 1]],
  ['subset.size', [1, 1_000_000], [0, 1.5]],
  ['subset.from', [1, 1_000_000], [0, 1.5]],
];

describe('numbers of a policy (B32: an error at start, never a fallback)', () => {
  it.each(numbers)('takes %s of %j', (path, within) => {
    for (const value of within) {
      const policy = policyWith(path, value);
      expect(failureOf(policy)).toEqual(policy);
    }
  });

  it.each(numbers)('names %s outside of %j', (path, _within, outside) => {
    for (const value of [...outside, ...never]) {
      const setting = `services.user-service.${path}`;
      expect(failureOf(policyWith(path, value))).toBeInstanceOf(ConfigError);
      expect(failureOf(policyWith(path, value))).toMatchObject({
        code: 'INVALID_CONFIG',
        setting,
        message: expect.stringMatching(new RegExp(`^${setting} must be a (whole )?number.* from`)),
      });
    }
  });
});

describe('other fields of a policy', () => {
  it.each<[path: string, mustBe: RegExp, values: unknown[]]>([
    ['strategy', /^must be one of round_robin, random/, ['round-robin', 'constructor', '']],
    ['strategy', /^must be the name of a strategy/, [1, null, {}, Object.create(null)]],
    [
      'hashHeader',
      /^must be a lower-case header name/,
      ['', 'X-User', 'x user', ':path', 'key-bin', 'grpc-timeout', 'x'.repeat(129), 7, null],
    ],
    ['preferZone', /^must be true or false, not/, ['yes', 1, 0, null]],
    ['retry', /^must be false or an object, not/, [true, 3, null, [], new Map(), new Date()]],
    ['hedging', /^must be false or an object, not/, [true, 3, null, []]],
    ['outlierEjection', /^must be false or an object, not/, [true, 3, null]],
    ['subset', /^must be false or an object, not/, [true, 3, null]],
    ['breaker', /^must be an object, not/, [false, 5, null, [], new Map()]],
    ['retryBudget', /^must be an object, not/, [false, 5, null]],
    ['methods', /^must be an object, not/, [false, [], null, new Map()]],
    ['methods.GetUser', /^must be an object, not/, [false, [], null]],
    ['methods.GetUser.retry', /^must be false or an object/, [true, null]],
    [
      'methods.GetUser.strategy',
      /^is no known field; there are maxSend.*, defaultDeadlineMs, retry, hedging$/,
      ['random'],
    ],
    ['retry.maxAttemps', /^is no known field; did you mean maxAttempts\?$/, [3]],
    ['stratgy', /^is no known field; did you mean strategy\?$/, ['random']],
    ['max_in_flight', /^is no known field; did you mean maxInFlight\?$/, [1]],
    ['colour', /^is no known field; there are .*strategy/, ['red']],
    ['__proto__', /^is no known field/, [{ strategy: 'random' }]],
    ['constructor', /^is no known field/, [{}]],
    ['retry.toString', /^is no known field/, [1]],
  ])('names %s that %s', (path, complaint, values) => {
    for (const value of values) {
      // As JSON has it: `__proto__` is a field as any other.
      const policy = Object.fromEntries(Object.entries(policyWith(path, value)));
      expect(failureOf(policy)).toMatchObject({
        setting: `services.user-service.${path}`,
        complaint: expect.stringMatching(complaint),
      });
    }
  });

  it.each(['', ' ', 'Get User', 'a.b/C', '1st'])('refuses %j as the name of a method', (name) => {
    expect(failureOf({ methods: { [name]: {} } })).toMatchObject({
      setting: `services.user-service.methods["${name}"]`.replace('["1st"]', '.1st'),
      complaint: 'is no name of a method, such as GetUser',
    });
  });

  it.each<[string, object]>([
    ['retry.maxBackoffMs', { retry: { initialBackoffMs: 50, maxBackoffMs: 49 } }],
    [
      'outlierEjection.maxEjectionMs',
      { outlierEjection: { baseEjectionMs: 50, maxEjectionMs: 49 } },
    ],
    ['subset.from', { subset: { size: 50, from: 49 } }],
  ])('names %s below its other half', (path, policy) => {
    expect(failureOf(policy)).toMatchObject({
      setting: `services.user-service.${path}`,
      complaint: expect.stringMatching(/^must be at least \w+ \(50\), not 49$/),
    });
  });

  it('refuses hedging without a delay, and beside retries on one level', () => {
    expect(failureOf({ hedging: { maxAttempts: 2 } })).toMatchObject({
      message: 'services.user-service.hedging.delayMs is missing; it has no default',
    });
    const both = { retry: { maxAttempts: 2 }, hedging: { delayMs: 10 } };
    expect(failureOf(both)).toMatchObject({ setting: 'services.user-service.hedging' });
    expect(failureOf({ methods: { GetUser: both } })).toMatchObject({
      setting: 'services.user-service.methods.GetUser.hedging',
    });
    for (const one of [{ retry: false as const }, { hedging: false as const }]) {
      const policy = { ...both, ...one };
      expect(failureOf(policy)).toEqual(policy);
    }
  });

  it('refuses a method that is there twice', () => {
    expect(failureOf({ methods: { GetUser: {}, getUser: {} } })).toMatchObject({
      message: 'services.user-service.methods.getUser is set already, as GetUser',
    });
  });

  it('B33: refuses 99 attempts with what gRPC allows', () => {
    expect(failureOf({ retry: { maxAttempts: 99 } })).toMatchObject({
      message:
        "services.user-service.retry.maxAttempts must be a whole number from 2 to 5 (gRPC's cap), not 99",
    });
  });

  it('names every fault, the first as the setting', () => {
    expect(failureOf({ strategy: 1, maxInFlight: 0, zone: 'a' })).toMatchObject({
      setting: 'services.user-service.strategy',
      message: expect.stringMatching(
        /strategy must be .*; services\.user-service\.maxInFlight must be .*; services\.user-service\.zone is no/,
      ),
    });
  });

  it.each([null, 3, 'random', [], new Map([['strategy', 'random']]), new (class {})()])(
    'takes no %p for a policy',
    (policy) => {
      expect(failureOf(policy)).toMatchObject({ setting: 'services.user-service' });
    },
  );

  it('keeps its errors short, whatever it is given', () => {
    const error = failureOf({ ['x'.repeat(1e6)]: 1, hashHeader: 'X'.repeat(1e6) });
    expect((error as Error).message.length).toBeLessThan(1000);
  });
});

describe('policies of a mesh', () => {
  it('take any name that a service can have, and no other', () => {
    const services = JSON.parse('{"constructor": {}, "a-1": {}}');
    expect(policyFaults({ services, defaults: { strategy: 'random' } })).toEqual([]);
    for (const name of ['', 'User', 'a/b', '..', '__proto__', 'a'.repeat(64)]) {
      expect(policyFaults({ services: Object.fromEntries([[name, {}]]) })).toMatchObject([
        { path: ['services', name], complaint: expect.stringMatching(/^must be a DNS label/) },
      ]);
    }
  });

  it('may name a strategy that the program they are for registers', () => {
    for (const strategy of ['p2c_ewma', 'nearest', 'my_random', 'weighted_random', 'p2c_ewma_v2']) {
      expect(policyFaults({ defaults: { strategy }, services: { a: { strategy } } })).toEqual([]);
    }
  });

  it.each([
    ['p2c_ewm', 'p2c_ewma'],
    ['randon', 'random'],
    ['round-robin', 'round_robin'],
    ['weightedRoundRobin', 'weighted_round_robin'],
  ])('refuse %s as a slip for %s', (strategy, meant) => {
    const complaint = expect.stringContaining(`is no strategy of Weft; did you mean ${meant}?`);
    expect(policyFaults({ defaults: { strategy }, services: { a: { strategy } } })).toEqual([
      { path: ['defaults', 'strategy'], complaint },
      { path: ['services', 'a', 'strategy'], complaint },
    ]);
  });

  it.each(['', 'My-Own', '2nd', 'x'.repeat(1e6), 5, null])('take no %p for a strategy', (value) => {
    const [fault] = policyFaults({ defaults: { strategy: value } });
    expect(fault?.complaint).toMatch(/^must be one of round_robin, .* \(lower snake case\), not /);
    expect(fault?.complaint.length).toBeLessThan(300);
  });

  it('have no methods among what holds for every service', () => {
    expect(policyFaults({ defaults: { methods: { GetUser: {} } } })).toEqual([
      {
        path: ['defaults', 'methods'],
        complaint: 'must stand under one service: services.<its name>.methods',
      },
    ]);
  });
});
