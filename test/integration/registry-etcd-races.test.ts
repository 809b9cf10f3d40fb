import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { Catalog } from '../../registry/src/store/catalog.ts';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { EtcdFeed } from '../../registry/src/store/etcd-feed.ts';
import { WatchHub } from '../../registry/src/watch-hub.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage, registrationOf, SERVICE } from '../support/registry-stage.ts';
import { failureOf } from '../support/services.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { describeWith } from '../support/tools.ts';

/** A real client whose answers to `get` can be held back, as by a network. */
class SlowClient extends EtcdClient {
  held: PromiseWithResolvers<void> | undefined;
  isHolding = false;
  lists = 0;

  override async get(key: string) {
    const answer = await super.get(key);
    if (this.held === undefined) return answer;
    this.isHolding = true;
    await this.held.promise;
    return answer;
  }

  override list(...[prefix, options]: Parameters<EtcdClient['list']>) {
    if (options?.keysOnly !== true) this.lists += 1;
    return super.list(prefix, options);
  }
}

/** A real client whose watch can be held back, as by a slow stream. */
class HeldWatchClient extends EtcdClient {
  #held: (() => void)[] | undefined;

  /** Holds back what the watch brings from now on. */
  hold(): void {
    this.#held ??= [];
  }

  /** How many responses are held back. */
  get heldCount(): number {
    return this.#held?.length ?? 0;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of held) deliver();
  }

  override watch(...[prefix, from, listener]: Parameters<EtcdClient['watch']>) {
    const changed: typeof listener.changed = (changes) => {
      if (this.#held === undefined) listener.changed(changes);
      else this.#held.push(() => listener.changed(changes));
    };
    return super.watch(prefix, from, { ...listener, changed });
  }
}

describeWith(['etcd', 'etcdctl'], 'what overtakes an answer of etcd', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it('F12: a change that comes before an older answer is no new history', async () => {
    await using stage = new RegistryStage();
    const other = await stage.registry(etcd.endpoint);
    const client = stage.use(new SlowClient([etcd.endpoint]));
    const catalog = new Catalog();
    const feed = stage.use(new EtcdFeed({ client, catalog, log: silentLog, checkMs: 50 }));
    feed.start();
    await eventually(() => expect(catalog.isStale).toBe(false));
    client.held = Promise.withResolvers();
    await eventually(() => expect(client.isHolding).toBe(true));
    await other.client.register(registrationOf('overtaking'));
    await eventually(() => expect(catalog.get(SERVICE, 'overtaking')).toBeDefined());
    client.held.resolve();
    client.held = undefined;
    // The next check has gone by as well.
    const { revision } = await other.client.register(registrationOf('next'));
    await etcd.ctl('put', '/elsewhere', '');
    await eventually(() => expect(catalog.revision).toBeGreaterThan(revision));
    expect(client.lists).toBe(1);
  });

  it('a lease that ends amid its deregistration: the answer names a revision at which it is gone', async () => {
    await using stage = new RegistryStage();
    const proxy = stage.use(await createTcpProxy(etcd.endpoint));
    const { client } = await stage.registry(proxy.address);
    const { leaseId } = await client.register(registrationOf('leaving'));
    const { revision: before } = await client.register(registrationOf('staying'));
    proxy.block('toClient');
    const sent = proxy.passed('toServer');
    const leaving = client.deregister({ service: SERVICE, id: 'leaving', leaseId });
    await eventually(() => expect(proxy.passed('toServer')).toBeGreaterThan(sent));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await etcd.ctl('lease', 'revoke', leaseId.toString(16));
    proxy.restore();
    const { removed, revision } = await leaving;
    expect(removed).toBe(false);
    expect(revision).toBeGreaterThan(before);
  });

  it('R7: a watch gets a snapshot if the catalog has overtaken an instance that came and went', async () => {
    await using stage = new RegistryStage();
    const other = await stage.registry(etcd.endpoint);
    const client = stage.use(new HeldWatchClient([etcd.endpoint]));
    const catalog = new Catalog();
    const hub = new WatchHub(catalog);
    const feed = stage.use(new EtcdFeed({ client, catalog, log: silentLog, checkMs: 50 }));
    feed.start();
    await eventually(() => expect(catalog.isStale).toBe(false));
    const { revision: before } = await other.client.register(registrationOf('there'));
    await eventually(() => expect(catalog.revision).toBeGreaterThanOrEqual(before));
    using live = hub.open('live', { fromRevision: catalog.revision });
    const seen: string[] = [];
    const { signal } = new AbortController();
    const readOn = async () => {
      const { snapshot, events } = (await live.watcher.next(20, signal)) ?? {};
      if (snapshot !== undefined) seen.push('snapshot');
      for (const { instance } of events?.events ?? []) seen.push(instance?.id ?? '');
    };
    client.hold();
    await other.client.register(registrationOf('fleeting'));
    const { revision } = await other.client.deregister({ service: SERVICE, id: 'fleeting' });
    // The keys are as they were, so the catalog comes to etcd's revision without the watch.
    await eventually(() => expect(catalog.revision).toBeGreaterThanOrEqual(revision));
    await readOn();
    expect(seen).toEqual([]);
    client.release();
    await eventually(async () => {
      await readOn();
      expect(seen).toEqual(['snapshot']);
    });
    expect(catalog.instances(SERVICE).map(({ id }) => id)).toContain('there');
    expect(catalog.get(SERVICE, 'fleeting')).toBeUndefined();
    // A watch that comes back from before learns of it as well.
    expect(catalog.eventsSince(before)).toBeUndefined();
    expect(catalog.eventsSince(catalog.revision)).toEqual([]);
    hub.close();
  });

  it('R5: a deregistration whose first answer is lost has removed the instance', async () => {
    await using stage = new RegistryStage();
    const proxy = stage.use(await createTcpProxy(etcd.endpoint));
    // Two ways to the same etcd, as to two members: the answers on the first one get lost.
    const { client, store } = await stage.registry([proxy.address, etcd.endpoint]);
    const service = 'leaving-service';
    const ids = Array.from({ length: 12 }, (_, index) => `i-${index}`);
    for (const id of ids) await client.register(registrationOf(id, { service }));
    // Half of them are on no lease: they are removed by their keys.
    const loose = ids.slice(6);
    for (const id of loose) {
      const key = `/weft/v1/services/${service}/${id}`;
      await etcd.ctl('put', key, await etcd.ctl('get', '--print-value-only', key));
    }
    proxy.block('toClient');
    const outcomes = await Promise.all(ids.map((id) => client.deregister({ service, id })));
    proxy.restore();
    expect(outcomes.map(({ removed }) => removed)).toEqual(ids.map(() => true));
    const latest = outcomes.reduce((most, { revision }) => (revision > most ? revision : most), 0n);
    expect(await store.catalog.reached(latest, 5000)).toBe(true);
    expect(store.catalog.instances(service)).toEqual([]);
  });

  it('R3: a registration that another replica has confirmed outlives the clean-up of the first one', async () => {
    await using stage = new RegistryStage();
    const proxy = stage.use(await createTcpProxy(etcd.endpoint));
    const [first, second] = [
      await stage.registry(proxy.address),
      await stage.registry(etcd.endpoint),
    ];
    const service = 'confirmed-service';
    const watch = stage.follow(second.client, { service });
    // The record reaches etcd, and the answer does not reach the first replica. It reaches etcd
    // only if etcd has taken the lease, which is granted at the same time, before it.
    let id = '';
    let late: ReturnType<typeof failureOf> | undefined;
    for (let attempt = 0; !watch.ids.includes(id); attempt += 1) {
      id = `late-${attempt}`;
      proxy.restore();
      await first.client.register(registrationOf('before', { service }));
      await late?.catch(() => {});
      proxy.block('toClient');
      late = failureOf(first.client.register(registrationOf(id, { service })));
      await eventually(() => expect(watch.ids).toContain(id), { withinMs: 1000 }).catch(() => {});
    }
    const { leaseId } = await second.client.register(registrationOf(id, { service }));
    expect((await late)?.code).toBe('UNAVAILABLE');
    proxy.restore();
    await sleep(2000);
    const { instances } = await second.client.getService({ service });
    expect(instances.find((instance) => instance.id === id)?.leaseId).toBe(leaseId);
    const gone = watch.stretches.flatMap(({ changes }) =>
      changes.filter((it) => it.startsWith('D')),
    );
    expect(gone.filter((change) => change.includes(id))).toEqual([]);
  });
});
