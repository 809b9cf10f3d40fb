import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type MeshOptions, resolveConfig } from '../../../client-sdk/src/config.ts';
import { ConfigError } from '../../../client-sdk/src/errors.ts';
import { resolvePolicy } from '../../../client-sdk/src/policy/resolve-policy.ts';
import { silentLog } from '../../../proto/src/log.ts';

/** How errors name what came in $WEFT_POLICIES. */
const SOURCE = '$WEFT_POLICIES (calls of weft.yaml)';
const variables = ['WEFT_REGISTRY', 'WEFT_ZONE', 'WEFT_POLICIES'];
const before = { ...process.env };

beforeEach(() => {
  for (const name of variables) delete process.env[name];
});

afterEach(() => {
  for (const name of variables) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

function failureOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('resolveConfig', () => {
  it('fills in the defaults', () => {
    const { policies, ...config } = resolveConfig({});
    expect(config).toEqual({
      registry: ['localhost:7400'],
      zone: '',
      clientId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      discoveryTtlMs: 60_000,
      telemetryIntervalMs: 2000,
      discovery: { protectedShare: 0.5 },
      log: silentLog,
    });
    expect(policies.policyOf('user-service')).toEqual(resolvePolicy());
    expect(resolveConfig({}).clientId).not.toBe(config.clientId);
  });

  it('takes registry replicas as a list, a string, or from $WEFT_REGISTRY', () => {
    process.env.WEFT_REGISTRY = 'a:1, b:2';
    expect(resolveConfig({}).registry).toEqual(['a:1', 'b:2']);
    expect(resolveConfig({ registry: 'c:3,[::1]:4' }).registry).toEqual(['c:3', '[::1]:4']);
    expect(resolveConfig({ registry: ['d:5'] }).registry).toEqual(['d:5']);
  });

  it('takes the zone from $WEFT_ZONE unless it is told', () => {
    process.env.WEFT_ZONE = 'east';
    expect(resolveConfig({}).zone).toBe('east');
    expect(resolveConfig({ zone: 'west', clientId: 'me' })).toMatchObject({
      zone: 'west',
      clientId: 'me',
    });
    process.env.WEFT_ZONE = 'a\nb';
    expect(failureOf(() => resolveConfig({}))).toMatchObject({ setting: '$WEFT_ZONE' });
  });

  it('takes empty variables for none', () => {
    for (const name of variables) process.env[name] = '';
    expect(resolveConfig({})).toMatchObject({ registry: ['localhost:7400'], zone: '' });
  });

  it('neither changes nor keeps the options it is given', () => {
    const options: MeshOptions = Object.freeze({ breaker: Object.freeze({ failures: 3 }) });
    expect(resolveConfig(options).policies.policyOf('a').breaker.failures).toBe(3);
    const services = { a: { maxInFlight: 1 } };
    const { policies } = resolveConfig({ services });
    services.a.maxInFlight = 2;
    expect(policies.policyOf('a').maxInFlight).toBe(1);
  });

  it('takes defaults of every service at the top and what differs in services', () => {
    const { policies } = resolveConfig({
      strategy: 'random',
      defaultDeadlineMs: 100,
      services: { a: { strategy: 'least_connections' } },
    });
    expect(policies.policyOf('a')).toMatchObject({
      strategy: 'least_connections',
      defaultDeadlineMs: 100,
    });
    expect(policies.policyOf('b')).toMatchObject({ strategy: 'random' });
  });

  it('lets $WEFT_POLICIES stand over code, field by field', () => {
    process.env.WEFT_POLICIES = JSON.stringify({
      defaults: { strategy: 'random' },
      services: { a: { breaker: { failures: 9 } } },
    });
    const { policies } = resolveConfig({
      strategy: 'round_robin',
      services: { a: { breaker: { failures: 1, resetMs: 7 } } },
    });
    expect(policies.policyOf('a')).toMatchObject({
      strategy: 'random',
      breaker: { failures: 9, resetMs: 7 },
    });
  });

  it.each([
    ['{', SOURCE, /must be JSON of \{ defaults, services \}, not "\{"/],
    ['[]', SOURCE, /must be an object, not a list/],
    ['null', SOURCE, /must be an object, not null/],
    ['{"service": {}}', `${SOURCE}: service`, /is no known field; did you mean services\?/],
    [
      '{"services": {"x": {"strategy": "nearest"}}}',
      `${SOURCE}: services.x.strategy`,
      /must be one of round_robin/,
    ],
    [
      '{"defaults": {"retry": {"maxAttempts": 99}}}',
      `${SOURCE}: defaults.retry.maxAttempts`,
      /from 2 to 5 \(gRPC's cap\), not 99/,
    ],
    ['{"services": {"__proto__": {}}}', `${SOURCE}: services.__proto__`, /must be a DNS label/],
  ])('refuses %s in $WEFT_POLICIES (B32)', (text, setting, message) => {
    process.env.WEFT_POLICIES = text;
    const error = failureOf(() => resolveConfig({}));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ setting, message: expect.stringMatching(message) });
  });

  it('names an unknown setting, and what was probably meant', () => {
    expect(failureOf(() => resolveConfig({ registri: 'a:1' } as MeshOptions))).toMatchObject({
      setting: 'registri',
      message: 'registri is no known field; did you mean registry?',
    });
    expect(failureOf(() => resolveConfig({ methods: {} } as MeshOptions))).toMatchObject({
      message: 'methods must stand under one service: services.<its name>.methods',
    });
  });

  it.each<[string, object]>([
    ['registry', { registry: '' }],
    ['registry', { registry: [] }],
    ['registry', { registry: 'localhost' }],
    ['registry', { registry: 'localhost:0' }],
    ['registry', { registry: 'localhost:65536' }],
    ['registry', { registry: 'http://localhost:7400' }],
    ['registry', { registry: 'a:1,,b:2' }],
    ['registry', { registry: '::1:7400' }],
    ['strategy', { strategy: 'round-robin' }],
    ['strategy', { strategy: 'constructor' }],
    ['breaker.failures', { breaker: { failures: 0 } }],
    ['breaker.failures', { breaker: { failures: 1.5 } }],
    ['breaker.resetMs', { breaker: { resetMs: -1 } }],
    ['breaker.resetMs', { breaker: { resetMs: Number.NaN } }],
    ['breaker.probeTimeoutMs', { breaker: { probeTimeoutMs: 2 ** 31 } }],
    ['defaultDeadlineMs', { defaultDeadlineMs: 0 }],
    ['defaultDeadlineMs', { defaultDeadlineMs: 0.5 }],
    ['discoveryTtlMs', { discoveryTtlMs: Infinity }],
    ['discovery', { discovery: 0.5 }],
    ['discovery.protectedShare', { discovery: { protectedShare: 1.1 } }],
    ['discovery.protectedShare', { discovery: { protectedShare: -0.1 } }],
    ['discovery.protectedShare', { discovery: { protectedShare: '50%' } }],
    ['registry', { registry: 7400 }],
    ['registry', { registry: ['a:1', undefined] }],
    ['registry', { registry: [Object.create(null)] }],
    ['zone', { zone: '' }],
    ['zone', { zone: 'x'.repeat(64) }],
    ['clientId', { clientId: 5 }],
    ['log', { log: console.log }],
    ['log', { log: null }],
    ['services', { services: [] }],
    ['services.User', { services: { User: {} } }],
    [
      'services.user-service.retry.maxAttempts',
      { services: { 'user-service': { retry: { maxAttempts: 99 } } } },
    ],
  ])('names %s when it is given %j', (setting, options) => {
    const error = failureOf(() => resolveConfig(options as MeshOptions));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      setting,
      message: expect.stringContaining(`${setting} must be`),
    });
  });

  it('names the variable when that is what is wrong', () => {
    process.env.WEFT_REGISTRY = 'nowhere';
    expect(failureOf(() => resolveConfig({}))).toMatchObject({
      setting: '$WEFT_REGISTRY',
      message: expect.stringContaining('not "nowhere"'),
    });
  });
});
