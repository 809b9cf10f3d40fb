import type { JsonValue } from '@bufbuild/protobuf';
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'nice-grpc';
import { readOffers } from '../../orchestrator/src/architecture/read-offers.ts';
import { ServerReflectionDefinition as AlphaDefinition } from '../../proto/gen/grpc/reflection/v1alpha/reflection.ts';
import { reflectionService } from '../../proto/src/reflection.ts';
import { ThingSchema, thingsDescriptors, thingsRoute } from '../support/described-service.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const thing = (fields: Record<string, unknown>) =>
  toBinary(ThingSchema, create(ThingSchema, fields));

/** Offers acme.Things as `service`. Answers what calls its one method by name. */
async function offer(service: string, get: (request: Uint8Array) => Uint8Array) {
  const host = await stage.host.serve({
    name: service,
    handleSignals: false,
    settleMs: 0,
    routes: [thingsRoute(get)],
    descriptorSets: [thingsDescriptors],
  });
  stage.defer(() => host.close());
  await host.registered();
  const mesh = stage.join();
  return (request: JsonValue = {}) => mesh.call(service, 'Get', request);
}

describe('a call by name prints a response that has no JSON form', () => {
  const implicit = { name: '', units: '0', extra: [], ratio: 0 };

  it('with the type and the base64 value of an Any of an unknown type', async () => {
    const typeUrl = 'type.googleapis.com/nowhere.Unknown';
    const part = thing({ name: 'known', extra: [{ typeUrl, value: new Uint8Array([8, 1]) }] });
    const call = await offer('any-unknown', () =>
      thing({
        name: 'x',
        extra: [
          { typeUrl, value: new Uint8Array([255, 254]) },
          { typeUrl: 'type.googleapis.com/acme.Thing', value: part },
          { typeUrl: 'type.googleapis.com/acme.Thing', value: new Uint8Array([255]) },
        ],
      }),
    );
    expect(await call()).toEqual({
      ...implicit,
      name: 'x',
      extra: [
        { '@type': typeUrl, value: '//4=' },
        {
          ...implicit,
          '@type': 'type.googleapis.com/acme.Thing',
          name: 'known',
          extra: [{ '@type': typeUrl, value: 'CAE=' }],
        },
        { '@type': 'type.googleapis.com/acme.Thing', value: '/w==' },
      ],
    });
  });

  it('with the fields of a timestamp that is out of range', async () => {
    const time = { seconds: -1n, nanos: -5 };
    const call = await offer('time-wrong', () =>
      thing({ part: { time, units: 9007199254740993n, ratio: Number.NaN } }),
    );
    expect(await call()).toEqual({
      ...implicit,
      part: {
        ...implicit,
        units: '9007199254740993',
        ratio: 'NaN',
        time: { seconds: '-1', nanos: -5 },
      },
    });
  });
});

describe('weft call', () => {
  const weftCall = (request: string) =>
    runWeftHere(['call', '--registry', stage.registry.address, 'digits', 'Get', request]);

  it('keeps every digit of a number', async () => {
    await offer('digits', (request) => request);
    const numbers = [
      ...['"9007199254740993"', '9007199254740991', '-9007199254740991', '9007199254740994'],
      ...['9007199254740993', '-9007199254740993', '9223372036854775807'],
      ...['4611686018427387904', '-9223372036854775808', '7'],
    ];
    for (const units of numbers) {
      const { stdout } = await weftCall(`{"part": {"units": ${units}, "ratio": 0.1}}`);
      const part = { units: units.replaceAll('"', ''), ratio: 0.1 };
      expect(JSON.parse(stdout)).toMatchObject({ part });
    }
    const { code, stderr } = await weftCall('{"units": 9223372036854775808}');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/units .*: 9223372036854775808 out of range/s);
  });
});

describe('reflection', () => {
  it('is read over v1alpha from a server that offers no other version', async () => {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, thingsDescriptors));
    const closing = new AbortController();
    const server = createServer();
    const { definition, implementation } = thingsRoute((request) => request);
    server.add(definition, implementation as never);
    const reflection = reflectionService(registry, ['acme.Things'], closing.signal);
    server.add(AlphaDefinition, reflection as never);
    const port = await server.listen('127.0.0.1:0');
    stage.defer(() => server.forceShutdown());
    await stage.list(port, { service: 'alpha', id: 'a' });
    const response = await stage.join().call('alpha', 'Get', { name: 'x' });
    expect(response).toMatchObject({ name: 'x' });
    expect(await readOffers(`127.0.0.1:${port}`, 2000)).toEqual(['acme.Things']);
  });

  it('says so if a server has none', async () => {
    const server = createServer();
    const { definition, implementation } = thingsRoute((request) => request);
    server.add(definition, implementation as never);
    const port = await server.listen('127.0.0.1:0');
    stage.defer(() => server.forceShutdown());
    await stage.list(port, { service: 'mute', id: 'a' });
    await expect(stage.join().call('mute', 'Get')).rejects.toMatchObject({
      code: 'REFLECTION_FAILED',
      message: expect.stringMatching(/offers no reflection, neither v1 nor v1alpha/),
    });
  });

  it('finds the methods of one service beside another that has no description', async () => {
    const { definition, implementation } = thingsRoute((request) => request);
    const host = await stage.host.serve({
      name: 'half-described',
      handleSignals: false,
      settleMs: 0,
      routes: [
        thingsRoute((request) => request),
        { definition: { ...definition, fullName: 'acme.Unknown' }, implementation },
      ],
      descriptorSets: [thingsDescriptors],
    });
    stage.defer(() => host.close());
    await host.registered();
    const mesh = stage.join();
    expect(await mesh.call('half-described', 'Get', { name: 'x' })).toMatchObject({ name: 'x' });
    await expect(mesh.call('half-described', 'acme.Unknown/Get')).rejects.toMatchObject({
      code: 'METHOD_NOT_FOUND',
      message: expect.stringMatching(/does not describe its acme\.Unknown: pass descriptorSets/),
    });
  });
});
