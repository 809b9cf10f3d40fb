import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import {
  instanceOf,
  resolveServeOptions,
} from '../../../../client-sdk/src/server/serve-options.ts';

const variables = ['HOST', 'PORT', 'INSTANCE_ID', 'ZONE', 'ADVERTISE_HOST'].map((x) => `WEFT_${x}`);
const before = variables.map((name) => [name, process.env[name]] as const);
const minimal = { name: 'echo', routes: [] };

beforeEach(() => {
  for (const name of variables) delete process.env[name];
});

afterEach(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

describe('resolveServeOptions', () => {
  it('fills in the defaults, with an id of its own for each', () => {
    const config = resolveServeOptions(minimal);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      advertiseHost: '127.0.0.1',
      port: 0,
      type: InstanceType.INSTANCE_TYPE_API,
      weight: 1,
      ttlSeconds: 10,
      drainMs: 30_000,
      handleSignals: true,
    });
    expect(config.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(resolveServeOptions(minimal).id).not.toBe(config.id);
  });

  it('takes what the orchestrator says, and options before that', () => {
    process.env.WEFT_HOST = '0.0.0.0';
    process.env.WEFT_ADVERTISE_HOST = '10.0.0.1';
    process.env.WEFT_PORT = '5000';
    process.env.WEFT_INSTANCE_ID = 'echo-1';
    process.env.WEFT_ZONE = 'east';
    expect(resolveServeOptions(minimal)).toMatchObject({
      host: '0.0.0.0',
      advertiseHost: '10.0.0.1',
      port: 5000,
      id: 'echo-1',
      zone: 'east',
    });
    const own = { host: '127.0.0.2', advertiseHost: 'b', port: 1, id: 'x', zone: 'west' };
    expect(resolveServeOptions({ ...minimal, ...own })).toMatchObject(own);
  });

  it.each([
    ['name', { name: 'Echo' }],
    ['name', { name: '' }],
    ['id', { id: 'a/b' }],
    ['weight', { weight: -1 }],
    ['weight', { weight: Number.NaN }],
    ['ttlSeconds', { ttlSeconds: 1 }],
    ['drainMs', { drainMs: Number.POSITIVE_INFINITY }],
    ['settleMs', { settleMs: -1 }],
    ['shedding', { shedding: true as never }],
    ['shedding.maxLagMs', { shedding: { maxLagMs: 9 } }],
    ['shedding.maxLagMs', { shedding: { maxLagMs: Number.NaN } }],
    ['shedding.pushbackMs', { shedding: { pushbackMs: -1 } }],
    ['maxConcurrentStreams', { maxConcurrentStreams: 0 }],
    ['maxConcurrentStreams', { maxConcurrentStreams: 1.5 }],
    ['maxConnectionAgeMs', { maxConnectionAgeMs: 0 }],
    ['maxConnectionAgeMs', { maxConnectionAgeMs: 1e9 }],
    ['defaultDeadlineMs', { defaultDeadlineMs: Number.NaN }],
  ])('refuses a bad %s: %j', (setting, options) => {
    const expected = expect.objectContaining({ code: 'INVALID_CONFIG', setting });
    expect(() => resolveServeOptions({ ...minimal, ...options })).toThrow(expected as never);
  });

  it('names the variable that an impossible id came from', () => {
    process.env.WEFT_INSTANCE_ID = 'Not a label';
    expect(() => resolveServeOptions(minimal)).toThrow(/^\$WEFT_INSTANCE_ID must be a DNS label/);
  });

  it.each([-1, 65_536, 1.5, Number.NaN])('refuses port %d', (port) => {
    expect(() => resolveServeOptions({ ...minimal, port })).toThrow(/^port must be a port/);
  });

  it('names the variable when that is what is wrong', () => {
    process.env.WEFT_PORT = 'http';
    expect(() => resolveServeOptions(minimal)).toThrow(/^\$WEFT_PORT must be .* not http$/);
  });

  it.each(['0.0.0.0', '::'])('does not advertise the wildcard %s', (host) => {
    expect(() => resolveServeOptions({ ...minimal, host })).toThrow(/^advertiseHost must be/);
  });
});

describe('instanceOf', () => {
  it('describes a running instance, a new incarnation each time', () => {
    const config = resolveServeOptions({
      ...minimal,
      id: 'a',
      metadata: { team: 'x', constructor: 'y' },
      dependencies: ['user-service'],
    });
    const listed = instanceOf(config, 4711);
    expect(listed).toMatchObject({
      id: 'a',
      service: 'echo',
      address: { host: '127.0.0.1', port: 4711 },
      status: InstanceStatus.INSTANCE_STATUS_RUNNING,
      dependencies: ['user-service'],
    });
    expect([...listed.metadata]).toEqual([
      ['team', 'x'],
      ['constructor', 'y'],
      ['weft.identity', 'v1'],
    ]);
    expect(instanceOf(config, 4711).incarnation).not.toBe(listed.incarnation);
  });
});
