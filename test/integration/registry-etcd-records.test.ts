import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { INVALID_FIELDS, invalidRecord } from '../support/invalid-records.ts';
import { RegistryStage, registrationOf } from '../support/registry-stage.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

const KEYS = '/weft/v1/services';

describeWith(['etcd', 'etcdctl'], 'an etcd with records that are almost valid', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  /** Puts a record on a new lease of 600 s, or on the lease given, in hex. */
  async function put(service: string, id: string, value: string, lease?: string): Promise<string> {
    const [, granted = ''] = /lease (\w+)/.exec(await etcd.ctl('lease', 'grant', '600')) ?? [];
    const leaseId = lease ?? granted;
    await etcd.ctl('put', `--lease=${leaseId}`, `${KEYS}/${service}/${id}`, value);
    return leaseId;
  }

  it.concurrent('B22: an invalid record stops no list, no watch and no other instance', async () => {
    await using stage = new RegistryStage();
    const service = 'mixed-service';
    const { client } = await stage.registry(etcd.endpoint);
    await client.register(registrationOf('well', { service }));
    const watch = stage.follow(client, { service });
    const everything = stage.follow(client, {});
    await eventually(() => expect(watch.ids).toEqual(['well']));
    const valid = await etcd.ctl('get', '--print-value-only', `${KEYS}/${service}/well`);
    const names = Object.keys(INVALID_FIELDS).map((_, index) => `invalid-${index}`);
    const puts = Object.values(INVALID_FIELDS).map((fields, index) => {
      const id = names[index] ?? '';
      return put(service, id, invalidRecord(valid, { id, ...fields }));
    });
    await Promise.all(puts);
    await client.register(registrationOf('later', { service }));
    await eventually(() => expect(watch.ids).toEqual(['later', 'well']));
    const fresh = await stage.registry(etcd.endpoint);
    for (const reader of [client, fresh.client]) {
      const { instances } = await reader.getService({ service });
      expect(instances.map(({ id }) => id)).toEqual(['later', 'well']);
      const page = await reader.listInstances({ service });
      expect(page.instances.map(({ id }) => id)).toEqual(['later', 'well']);
      const again = stage.follow(reader, { service });
      await eventually(() => expect(again.ids).toEqual(['later', 'well']));
    }
    // The changes are in the event log, from which a watch that comes back is served.
    for (const id of names) await etcd.ctl('del', `${KEYS}/${service}/${id}`);
    await client.register(registrationOf('last', { service }));
    await eventually(() => {
      for (const { ids, isStale } of [watch, everything]) {
        expect(ids).toEqual(expect.arrayContaining(['last', 'later', 'well']));
        expect(isStale).toBe(false);
      }
    });
    const [stretch] = watch.stretches;
    const from = { services: [service], fromRevision: stretch?.from ?? 0n };
    const resumed = new WatchRecorder(client, from);
    stage.defer(() => resumed.stop());
    await eventually(() => expect(resumed.ids).toEqual(['last', 'later']));
  });

  it.concurrent('B22: an instance whose record becomes invalid on its own lease registers again', async () => {
    await using stage = new RegistryStage();
    const service = 'damaged-service';
    const { client, address } = await stage.registry(etcd.endpoint);
    const { host } = await stage.serve(address, 'a', { service, ttlSeconds: 6 });
    const watch = stage.follow(client, { service });
    await eventually(() => expect(watch.ids).toEqual(['a']));
    const { leaseId } = host.instance;
    const valid = await etcd.ctl('get', '--print-value-only', `${KEYS}/${service}/a`);
    const value = invalidRecord(valid, { ttlSeconds: 1.5 });
    await put(service, 'a', value, leaseId.toString(16));
    await eventually(
      () => {
        expect(host.instance.leaseId).not.toBe(leaseId);
        expect(watch.held.get(`${service}/a`)?.leaseId).toBe(host.instance.leaseId);
      },
      { withinMs: 15_000 },
    );
    expect(Math.min(...watch.sizes)).toBe(1);
    const stored = await etcd.ctl('get', '--print-value-only', `${KEYS}/${service}/a`);
    expect(JSON.parse(stored)).toMatchObject({ id: 'a', ttlSeconds: expect.any(Number) });
    expect(JSON.parse(stored).ttlSeconds).not.toBe(1.5);
  });
});
