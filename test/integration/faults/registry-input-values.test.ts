import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, type InstanceType } from '@weft/proto/registry';
import { Status } from 'nice-grpc';
import { Timestamp } from '../../../proto/gen/google/protobuf/timestamp.ts';
import { labels } from '../../contract/registry-harness.ts';
import { framed, rawCall } from '../../support/raw-grpc.ts';
import { createRegistryClient, createTestRegistry } from '../../support/registry.ts';
import { InputStage, type Registration, valid } from '../../support/registry-input.ts';
import { badFields } from '../../support/services.ts';
import { describeWith } from '../../support/tools.ts';
import { runWeftHere } from '../../support/weft-here.ts';

/** A length-delimited field of a message, as it goes over the wire. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}

describeWith(['etcd', 'etcdctl'], 'values that reach the registry', () => {
  let stage: InputStage;

  beforeAll(async () => {
    stage = await InputStage.start();
  });

  afterEach(() => stage.client.deregister({ service: 'shop', id: 'a' }));
  afterAll(() => stage.close());

  /** Registers an instance to which bytes are added that the client would not send. */
  const registerWith = (added: Uint8Array) => {
    const instance = Instance.encode(Instance.fromPartial(valid().instance ?? {})).finish();
    return rawCall(stage.registry.address, '/weft.registry.v1.RegistryService/Register', {
      body: framed(field(1, Buffer.concat([instance, added]))),
    });
  };

  it.each([0, 1, -1, -5, 3601, 2_147_483_647, -2_147_483_648])(
    'B10: a TTL of %d is refused',
    async (ttlSeconds) => {
      const call = () => stage.client.register({ ...valid(), ttlSeconds });
      await stage.refuses(badFields('ttl_seconds'), call);
    },
  );

  const seed = { service: 'seed', id: 'a' };

  it.each([-1, -Number.MIN_VALUE, Number.NaN, Infinity, -Infinity, 1e308])(
    'B11: a weight of %d is refused, and in an update',
    async (weight) => {
      const register = () => stage.client.register(valid({ weight }));
      await stage.refuses(badFields('instance.weight'), register);
      const update = () => stage.client.updateInstance({ ...seed, weight });
      await stage.refuses(badFields('weight'), update);
    },
  );

  it('B11: a weight of 0 is kept', async () => {
    await stage.client.register(valid({ weight: 0 }));
    const { instances } = await stage.client.getService({ service: 'shop' });
    expect(instances).toMatchObject([{ weight: 0 }]);
  });

  it.each<[string, Map<string, string>, string]>([
    ['10,000 keys', labels(10_000), ''],
    ['65 keys', labels(65), ''],
    ['a value of 1 MB', labels(1, 'x'.repeat(1_000_000)), '["k0"]'],
    ['a key of 1 MB', new Map([['k'.repeat(1_000_000), '']]), ''],
    ['an empty key', new Map([['', '']]), ''],
    ['a key with a NUL', new Map([['a\0', '']]), ''],
    ['more than 64 KiB in all', labels(32, '\u20ac'.repeat(700)), ''],
  ])('B13: metadata with %s is refused, and in an update', async (_what, metadata, where) => {
    const register = () => stage.client.register(valid({ metadata }));
    await stage.refuses(badFields(`instance.metadata${where}`), register);
    const update = () => stage.client.updateInstance({ ...seed, metadata: { metadata } });
    await stage.refuses(badFields(`metadata.metadata${where}`), update);
  });

  it('B14: __proto__ and constructor as keys are data, in etcd and read back by another registry', async () => {
    const metadata = new Map([
      ['__proto__', 'polluted'],
      ['constructor', 'a'],
      ['hasOwnProperty', 'b'],
      ['toString', 'c'],
    ]);
    await stage.client.register(valid({ metadata }));
    const { value = '' } = (await stage.stored())['shop/a'] ?? {};
    expect(value).toContain('"__proto__":"polluted"');
    const other = await createTestRegistry({ etcd: stage.etcd.endpoint });
    const { client, close } = createRegistryClient(other.address);
    try {
      for (const reader of [stage.client, client]) {
        const { instances } = await reader.getService({ service: 'shop' });
        expect(instances.map((instance) => new Map(instance.metadata))).toEqual([metadata]);
        const listed = await reader.listInstances({ metadata: new Map([['__proto__', 'b']]) });
        expect(listed.instances).toEqual([]);
      }
    } finally {
      close();
      await other.close();
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('B15: a record larger than is stored is refused before etcd, whose own limit is never met', async () => {
    // Allowed in bytes, but JSON writes six for each of these characters.
    const metadata = labels(15, '\u0001'.repeat(4096));
    const register = () => stage.client.register(valid({ metadata }));
    await stage.refuses(badFields('instance.metadata'), register);
    const update = () => stage.client.updateInstance({ ...seed, metadata: { metadata } });
    await stage.refuses(badFields('metadata.metadata'), update);
    await expect(register()).rejects.toThrow(/makes a record of \d+ bytes; at most 131072/);
  });

  it.each<[string, Registration['instance'], string]>([
    ['version of 1 MB', { version: 'v'.repeat(1_000_000) }, 'version'],
    ['zone with a line end', { zone: 'a\nb' }, 'zone'],
    ['incarnation of 65 characters', { incarnation: 'i'.repeat(65) }, 'incarnation'],
    ['status nobody knows', { status: 99 as InstanceStatus }, 'status'],
    ['status of -1', { status: -1 as InstanceStatus }, 'status'],
  ])('B15: a %s is refused', async (_what, instance, field) => {
    const call = () => stage.client.register(valid(instance));
    await stage.refuses(badFields(`instance.${field}`), call);
  });

  it.each([
    ['in the year 10,000', { seconds: 253_402_300_800n, nanos: 0 }],
    ['in the year 0', { seconds: -62_135_596_801n, nanos: 0 }],
    ['that no Date can hold', { seconds: 2n ** 63n - 1n, nanos: 0 }],
  ])('B15: a start time %s is refused', async (_what, time) => {
    const startTime = field(10, Timestamp.encode(time).finish());
    const before = await stage.stored();
    expect(await registerWith(startTime)).toEqual({
      code: Status.INVALID_ARGUMENT,
      details: expect.stringContaining('instance.start_time'),
    });
    expect(await stage.stored()).toEqual(before);
  });

  it('a text that is not UTF-8 is refused, and nothing of it stored', async () => {
    const zone = field(6, new Uint8Array([0x61, 0xff, 0x62]));
    const before = await stage.stored();
    expect(await registerWith(zone)).toEqual({
      code: Status.INTERNAL,
      details: 'Error deserializing request',
    });
    expect(await stage.stored()).toEqual(before);
  });

  it('a start time before 1970 is listed and exported as it was given', async () => {
    const startTime = new Date('1969-12-31T23:59:58.500Z');
    await stage.client.register(valid({ startTime }));
    expect((await stage.stored())['shop/a']?.value).toContain('1969-12-31T23:59:58.500Z');
    const { instances } = await stage.client.getService({ service: 'shop' });
    expect(instances).toMatchObject([{ startTime }]);
    for (const command of [
      ['instances', 'shop', '--json'],
      ['registry', 'export'],
    ]) {
      const words = [...command, '--registry', stage.registry.address];
      const { code, stdout, stderr } = await runWeftHere(words);
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('    at ')]);
      expect(stdout).toContain('1969-12-31T23:59:58.500Z');
    }
  });

  it('B23: a type from a later version is preserved, in etcd and by another registry', async () => {
    const type = 42 as InstanceType;
    await stage.client.register(valid({ type, status: InstanceStatus.INSTANCE_STATUS_STARTING }));
    expect((await stage.stored())['shop/a']?.value).toContain('"type":42');
    await stage.client.updateInstance({ service: 'shop', id: 'a', weight: 2 });
    const other = await createTestRegistry({ etcd: stage.etcd.endpoint });
    const { client, close } = createRegistryClient(other.address);
    try {
      const { instances } = await client.getService({ service: 'shop' });
      expect(instances).toMatchObject([{ type, weight: 2 }]);
    } finally {
      close();
      await other.close();
    }
  });
});
