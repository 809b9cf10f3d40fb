import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { route } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import {
  instanceOf,
  resolveServeOptions,
} from '../../../../client-sdk/src/server/serve-options.ts';

const names = [
  'HOST',
  'PORT',
  'INSTANCE_ID',
  'ZONE',
  'ADVERTISE_HOST',
  'ADVERTISE_PORT',
  'METRICS_PORT',
];
const variables = names.map((name) => `WEFT_${name}`);
const before = variables.map((name) => [name, process.env[name]] as const);
const routes = [route(UserServiceDefinition, {} as never)];
const minimal = { name: 'echo', routes };

/** What `options`, whoever typed them, are refused with. */
function refusal(options: unknown): unknown {
  try {
    return resolveServeOptions(options as never);
  } catch (error) {
    return error;
  }
}

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

  it('measures nothing unless told to, by code or by the environment', () => {
    expect(resolveServeOptions(minimal).metricsPort).toBeUndefined();
    process.env.WEFT_METRICS_PORT = '0';
    expect(resolveServeOptions(minimal).metricsPort).toBe(0);
    expect(resolveServeOptions({ ...minimal, metricsPort: 9100 }).metricsPort).toBe(9100);
    process.env.WEFT_METRICS_PORT = 'any';
    expect(refusal(minimal)).toMatchObject({ message: expect.stringMatching('WEFT_METRICS_PORT') });
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

  it('advertises another host and port than it listens on, as a container needs', () => {
    expect(resolveServeOptions(minimal).advertisePort).toBeUndefined();
    process.env.WEFT_HOST = '0.0.0.0';
    process.env.WEFT_PORT = '50051';
    process.env.WEFT_ADVERTISE_HOST = '10.0.0.1';
    process.env.WEFT_ADVERTISE_PORT = '31051';
    const config = resolveServeOptions(minimal);
    expect(config).toMatchObject({ host: '0.0.0.0', port: 50_051, advertisePort: 31_051 });
    expect(instanceOf(config, 50_051).address).toEqual({ host: '10.0.0.1', port: 31_051 });
    const own = resolveServeOptions({ ...minimal, advertisePort: 31_052 });
    expect(instanceOf(own, 50_051).address?.port).toBe(31_052);
    process.env.WEFT_ADVERTISE_PORT = '';
    expect(instanceOf(resolveServeOptions(minimal), 50_051).address?.port).toBe(50_051);
    process.env.WEFT_ADVERTISE_PORT = '0';
    expect(() => resolveServeOptions(minimal)).toThrow(
      /^\$WEFT_ADVERTISE_PORT must be a whole num/,
    );
  });

  it('keeps the label of the metrics that the program sets itself', () => {
    const metadata = { metrics: '10.0.0.1:31091' };
    const config = resolveServeOptions({ ...minimal, metricsPort: 9091, metadata });
    expect(instanceOf(config, 1, '127.0.0.1:9091').metadata.get('metrics')).toBe('10.0.0.1:31091');
  });

  it.each([
    ['advertiseHost', '169.254.1.1', /^advertiseHost must be an address that clients can reach/],
    ['advertiseHost', '224.0.0.1', /is a multicast or broadcast address$/],
    ['advertiseHost', '[::1]', /^advertiseHost must be a host name, an IPv4 address or an IPv6/],
    ['advertiseHost', '10.0.0.256', /^advertiseHost must be a host name, an IPv4 address/],
    ['advertiseHost', 'my host', /^advertiseHost must be/],
    ['host', 'fe80::1', /^advertiseHost must be .*; fe80::1 is a link-local address/],
  ])(
    'D4: refuses early the %s %s, which the registry would refuse for ever',
    (field, host, why) => {
      expect(() => resolveServeOptions({ ...minimal, [field]: host })).toThrow(why);
      if (field === 'host') return;
      process.env.WEFT_ADVERTISE_HOST = host;
      expect(() => resolveServeOptions(minimal)).toThrow(/^\$WEFT_ADVERTISE_HOST must be/);
    },
  );

  it.each([
    ['advertisePort', { advertisePort: 0 }],
    ['advertisePort', { advertisePort: 65_536 }],
    ['advertisePort', { advertisePort: '80' }],
    ['name', { name: 'Echo' }],
    ['name', { name: '' }],
    ['name', { name: 5 }],
    ['routes', { routes: [] }],
    ['routes', { routes: { user: routes[0] } }],
    ['routes[1]', { routes: [...routes, UserServiceDefinition] }],
    ['routes[0]', { routes: [null] }],
    ['routes[1]', { routes: [...routes, ...routes] }],
    ['routes[0]', { routes: [{ definition: HealthDefinition, implementation: {} }] }],
    [
      'routes[0].implementation.getUser',
      { routes: [{ definition: UserServiceDefinition, implementation: { getUser: 'x' } }] },
    ],
    ['host', { host: 5 }],
    ['host', { host: '' }],
    ['advertiseHost', { advertiseHost: 'http://a' }],
    ['port', { port: '7000' }],
    ['port', { port: -1 }],
    ['port', { port: 65_536 }],
    ['port', { port: 1.5 }],
    ['port', { port: Number.NaN }],
    ['id', { id: 'a/b' }],
    ['id', { id: 7 }],
    ['slot', { slot: '' }],
    ['slot', { slot: 'a\nb' }],
    ['slot', { slot: 'a'.repeat(129) }],
    ['type', { type: 'API' }],
    ['type', { type: InstanceType.UNRECOGNIZED }],
    ['version', { version: 1 }],
    ['zone', { zone: 'a\nb' }],
    ['weight', { weight: -1 }],
    ['weight', { weight: Number.NaN }],
    ['weight', { weight: '5' }],
    ['metadata', { metadata: new Map([['team', 'x']]) }],
    ['metadata["weft.identity"]', { metadata: { 'weft.identity': 'v2' } }],
    ['metadata.build', { metadata: { build: 5 } }],
    ['dependencies', { dependencies: 'user-service' }],
    ['dependencies[1]', { dependencies: ['user-service', 'UserService'] }],
    ['ttlSeconds', { ttlSeconds: 1 }],
    ['ttlSeconds', { ttlSeconds: 2.5 }],
    ['ttlSeconds', { ttlSeconds: '10' }],
    ['drainMs', { drainMs: Number.POSITIVE_INFINITY }],
    ['acknowledgeMs', { acknowledgeMs: -1 }],
    ['settleMs', { settleMs: -1 }],
    ['healthCheck', { healthCheck: 'user.v1.UserService' }],
    ['healthCheck.service', { healthCheck: {} }],
    ['healthCheck.service', { healthCheck: { service: 'user service' } }],
    ['descriptorSets', { descriptorSets: new Uint8Array() }],
    ['descriptorSets[0]', { descriptorSets: ['contracts.binpb'] }],
    ['descriptorSets', { descriptorSets: [new Uint8Array([255])] }],
    ['handleSignals', { handleSignals: 'no' }],
    ['onClose', { onClose: 5 }],
    ['shedding', { shedding: true }],
    ['shedding.maxLag', { shedding: { maxLag: 10 } }],
    ['shedding.maxLagMs', { shedding: { maxLagMs: 9 } }],
    ['shedding.maxLagMs', { shedding: { maxLagMs: Number.NaN } }],
    ['shedding.pushbackMs', { shedding: { pushbackMs: -1 } }],
    ['maxSendMessageBytes', { maxSendMessageBytes: 0 }],
    ['maxReceiveMetadataBytes', { maxReceiveMetadataBytes: 65_536 }],
    ['maxConcurrentStreams', { maxConcurrentStreams: 0 }],
    ['maxConcurrentStreams', { maxConcurrentStreams: 1.5 }],
    ['maxConnectionAgeMs', { maxConnectionAgeMs: 0 }],
    ['maxConnectionAgeMs', { maxConnectionAgeMs: 1e9 }],
    ['defaultDeadlineMs', { defaultDeadlineMs: Number.NaN }],
    ['sheding', { sheding: false }],
    ['name', { name: undefined }],
    ['routes', { routes: undefined }],
  ])('refuses a bad %s: %j', (setting, options) => {
    expect(refusal({ ...minimal, ...options })).toMatchObject({ code: 'INVALID_CONFIG', setting });
  });

  it('names all that is wrong, and what was meant', () => {
    expect(refusal({ ...minimal, port: '7000', sheding: false, weight: '5' })).toHaveProperty(
      'message',
      'port must be a whole number from 0 to 65535, not "7000"; ' +
        'sheding is no known field; did you mean shedding?; ' +
        'weight must be a number from 0 to 1000000, not "5"',
    );
    expect(refusal({})).toHaveProperty(
      'message',
      'name is missing; it has no default; routes is missing; it has no default',
    );
  });

  it.each([undefined, null, 'echo', []])('refuses %j for options', (options) => {
    const message = expect.stringMatching(/^options must be an object, not /);
    expect(refusal(options)).toMatchObject({ code: 'INVALID_CONFIG', message });
  });

  it('takes every option at its bounds', () => {
    const bounds = { weight: 0, ttlSeconds: 2, drainMs: 0, settleMs: 0, version: '', zone: '' };
    const never = { maxConnectionAgeMs: Number.POSITIVE_INFINITY, defaultDeadlineMs: 1 };
    expect(resolveServeOptions({ ...minimal, ...bounds, ...never })).toMatchObject({
      ...bounds,
      limits: never,
    });
  });

  it.each([
    [undefined, undefined],
    [false, undefined],
    [true, { service: '' }],
    [{ service: 'user.v1.UserService' }, { service: 'user.v1.UserService' }],
  ])('with healthCheck %j has the registry check %j', (healthCheck, checked) => {
    const config = resolveServeOptions({ ...minimal, healthCheck });
    expect(instanceOf(config, 4711).healthCheck).toEqual(checked);
  });

  it('names the variable that an impossible id came from', () => {
    process.env.WEFT_INSTANCE_ID = 'Not a label';
    expect(() => resolveServeOptions(minimal)).toThrow(/^\$WEFT_INSTANCE_ID must be a DNS label/);
  });

  it('names the variable when that is what is wrong', () => {
    process.env.WEFT_PORT = 'http';
    expect(() => resolveServeOptions(minimal)).toThrow(/^\$WEFT_PORT must be .* not "http"$/);
  });

  it.each(['0.0.0.0', '::'])('does not advertise the wildcard %s', (host) => {
    expect(() => resolveServeOptions({ ...minimal, host })).toThrow(
      /^advertiseHost must be .*advertiseHost/,
    );
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

  it('names the slot only if there is one, from the options or $WEFT_SLOT', () => {
    const slotOf = (options: object) =>
      instanceOf(resolveServeOptions({ ...minimal, ...options }), 1).metadata.get('weft.slot');
    expect(slotOf({})).toBeUndefined();
    expect(slotOf({ slot: 'shop-1' })).toBe('shop-1');
    process.env.WEFT_SLOT = 'shop-2';
    try {
      expect(slotOf({})).toBe('shop-2');
      expect(slotOf({ slot: 'shop-1' })).toBe('shop-1');
    } finally {
      delete process.env.WEFT_SLOT;
    }
  });
});
