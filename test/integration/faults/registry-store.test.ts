import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { expectFaithful, looseLeases } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { RegistryStage, registrationOf, SERVICE } from '../../support/registry-stage.ts';
import { failureOf } from '../../support/services.ts';
import { describeWith } from '../../support/tools.ts';

const KEYS = '/weft/v1/services';

/** A log that keeps what it is told. */
function createLog() {
  const entries: { fields: Record<string, unknown>; message: string }[] = [];
  const write = (fields: object, message: string) => {
    entries.push({ fields: { ...fields }, message });
  };
  return { entries, debug: write, info: write, warn: write, error: write };
}

// A busy machine takes its time.
jest.setTimeout(60_000);

describeWith(['etcd', 'etcdctl'], 'an etcd that others lay hands on', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it.concurrent('F3: a lease revoked by hand: the instance comes back by itself', async () => {
    await using stage = new RegistryStage();
    const service = 'revoked-service';
    const { client, address } = await stage.registry(etcd.endpoint);
    const { host } = await stage.serve(address, 'a', { service });
    await stage.serve(address, 'b', { service });
    const watch = stage.follow(client, { service });
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    const { leaseId, incarnation } = host.instance;
    await etcd.ctl('lease', 'revoke', leaseId.toString(16));
    const key = `${service}/a`;
    await eventually(() => expect(watch.stretches[0]?.changes).toHaveLength(2));
    const [gone, back] = watch.stretches[0]?.changes ?? [];
    expect(gone).toMatch(`DELETE ${key}@`);
    expect(back).toMatch(`PUT ${key}@`);
    await eventually(() => {
      const now = host.instance.leaseId;
      expect(watch.held.get(key)).toMatchObject({ incarnation, leaseId: now });
    });
    expect(host.instance.leaseId).not.toBe(leaseId);
    await expectFaithful(watch, etcd);
  });

  it.concurrent('B22: keys overwritten by hand: logged, counted, replaced; others unharmed', async () => {
    await using stage = new RegistryStage();
    const service = 'overwritten-service';
    const log = createLog();
    const { client, address } = await stage.registry(etcd.endpoint, { log });
    const values = ['garbage', '{}', 'null', '{"service":"x","id":"y"}'];
    const ids = [...values.keys(), 'well'].map((name) => `i-${name}`);
    const serving = ids.map((id) => stage.serve(address, id, { service }));
    const instances = await Promise.all(serving);
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const watch = stage.follow(client, { service });
    await eventually(() => expect(watch.ids).toEqual(ids));
    for (const [index, value] of values.entries()) {
      await etcd.ctl('put', `${KEYS}/${service}/${ids[index]}`, value);
    }
    await eventually(() => {
      const skipped = log.entries.filter(({ message }) => message.includes('foreign value'));
      expect(skipped.map(({ fields }) => fields)).toEqual(
        values.map((_, index) => ({
          key: `${KEYS}/${service}/${ids[index]}`,
          reason: expect.any(String),
          skipped: expect.any(Number),
        })),
      );
    });
    // The last good ones are listed until the owners, told that their leases hold nothing, are back.
    await eventually(() => {
      const now = ids.map((id) => watch.held.get(`${service}/${id}`)?.leaseId);
      expect(now).toEqual(instances.map(({ host }) => host.instance.leaseId));
      for (const index of values.keys()) expect(now[index]).not.toBe(leases[index]);
    });
    const stored = await etcd.ctl('get', '--prefix', '--print-value-only', `${KEYS}/${service}/`);
    const records = stored.trim().split('\n');
    expect(records.map((text) => JSON.parse(text).id)).toEqual(ids);
    expect(Math.min(...watch.sizes)).toBe(ids.length);
    expect(watch.revisions).toHaveLength(values.length);
    expect(instances.at(-1)?.host.instance.leaseId).toBe(leases.at(-1));
  });
});

describeWith(['etcd', 'etcdctl'], 'an etcd that is full', () => {
  it('F17: reads and leases go on, writes say what to do, and all is well once there is room', async () => {
    await using stage = new RegistryStage();
    const flags = { 'quota-backend-bytes': `${2 * 1024 * 1024}` };
    const etcd = stage.use(await createTestEtcd({ flags }));
    const log = createLog();
    const { client, address } = await stage.registry(etcd.endpoint, { log });
    const { host } = await stage.serve(address, 'a');
    const { leaseId } = host.instance;
    await client.register(registrationOf('b'));
    const watch = stage.follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    const block = 'x'.repeat(120_000);
    const fill = async () => {
      for (;;) await etcd.ctl('put', '/elsewhere', block);
    };
    await expect(fill()).rejects.toThrow(/database space exceeded/);
    expect(await etcd.ctl('alarm', 'list')).toMatch(/NOSPACE/);
    const full = { code: 'RESOURCE_EXHAUSTED', reason: 'STORE_NO_SPACE' };
    const registering = client.register(registrationOf('c'));
    expect(await failureOf(registering)).toEqual(full);
    await expect(registering).rejects.toThrow(/NOSPACE.*compact.*defrag.*alarm disarm/);
    // What it has a lease for etcd may still take.
    const update = client.updateInstance({ service: SERVICE, id: 'b', weight: 2 });
    const outcome = await update.then(
      () => 'done',
      () => failureOf(update),
    );
    expect(['done', full]).toContainEqual(outcome);
    const told = log.entries.filter(({ message }) => message.includes('etcd is full'));
    expect(told).toHaveLength(1);
    // A registry that starts now cannot make itself known to the others, and serves all the same.
    const young = await stage.registry(etcd.endpoint);
    const discovered = await stage.mesh(young.address).discover(SERVICE);
    expect(discovered.instances.map(({ id }) => id)).toEqual(['a', 'b']);
    // Leases are renewed, and what needs no room is done.
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect(await client.getService({ service: SERVICE })).toMatchObject({
      stale: false,
      instances: [{ id: 'a', leaseId }, { id: 'b' }],
    });
    expect(await client.deregister({ service: SERVICE, id: 'b' })).toMatchObject({ removed: true });
    await eventually(() => expect(watch.ids).toEqual(['a']));
    // A new one waits for room, and is listed once there is.
    const waiting = stage.serve(address, 'd');
    await etcd.ctl('compact', `${(await client.listServices({})).revision}`);
    await etcd.ctl('defrag');
    await etcd.ctl('alarm', 'disarm');
    await waiting;
    await client.register(registrationOf('c'));
    await eventually(() => expect(watch.ids).toEqual(['a', 'c', 'd']));
    expect(watch.stretches).toHaveLength(1);
    expect(watch.held.get(`${SERVICE}/a`)?.leaseId).toBe(leaseId);
    await eventually(async () => expect(await looseLeases(etcd)).toEqual([]));
  });
});
