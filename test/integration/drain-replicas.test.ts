import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { InstanceStatus, type WatchDrainResponse } from '@weft/proto/registry';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import {
  type RegistryClient,
  RegistryStage,
  registrationOf,
  SERVICE,
} from '../support/registry-stage.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

const { putEachIf, watch } = EtcdClient.prototype;
const { INSTANCE_STATUS_STOPPING: STOPPING } = InstanceStatus;
const REGISTRIES = '/weft/v1/registries/';
/** How long a replica that died is listed. */
const LISTED_MS = 5000;

describeWith(['etcd', 'etcdctl'], 'a drain while replicas come and go', () => {
  let etcd: TestEtcd;
  let stage: RegistryStage;
  /** Lets go what a test holds back: registries wait for it when they are closed. */
  const held: (() => void)[] = [];

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());
  beforeEach(() => {
    stage = new RegistryStage();
  });
  afterEach(async () => {
    for (const release of held.splice(0)) release();
    jest.restoreAllMocks();
    await stage[Symbol.asyncDispose]();
  });

  const listed = async () => {
    const keys = await etcd.ctl('get', '--prefix', '--keys-only', REGISTRIES);
    return keys.match(/registries/g)?.length ?? 0;
  };
  const areListed = (count: number, withinMs = 5000) =>
    eventually(async () => expect(await listed()).toBe(count), { withinMs });

  /** Watches as a client that is to acknowledge, and never does. */
  function watchIdly(client: RegistryClient): WatchRecorder {
    const request = { services: [SERVICE], client: 'lazy/1', watchId: randomUUID() };
    const recorder = new WatchRecorder(client, request);
    stage.defer(() => recorder.stop());
    return recorder;
  }

  async function stop(client: RegistryClient, id: string): Promise<bigint> {
    const { revision } = await client.updateInstance({ service: SERVICE, id, status: STOPPING });
    return revision;
  }

  /** Holds back the key of a replica, and what a store is told of instances, until each is let go. */
  function holdBack() {
    const [key, changes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const release = { key: key.resolve, changes: changes.resolve };
    jest.spyOn(EtcdClient.prototype, 'putEachIf').mockImplementation(async function (
      this: EtcdClient,
      ...puts
    ) {
      if (puts[0].some((put) => put.key.startsWith(REGISTRIES))) await key.promise;
      return putEachIf.apply(this, puts);
    });
    jest.spyOn(EtcdClient.prototype, 'watch').mockImplementation(function (
      this: EtcdClient,
      prefix,
      from,
      listener,
    ) {
      const changed = (all: Parameters<typeof listener.changed>[0]) =>
        void changes.promise.then(() => listener.changed(all));
      return watch.call(this, prefix, from, { ...listener, changed });
    });
    held.push(release.key, release.changes);
    return release;
  }

  it('F29: nobody routes by what a drain has seen off, where that missed a replica just starting', async () => {
    const old = await stage.registry(etcd.endpoint);
    await areListed(1);
    await old.client.register(registrationOf('a'));
    const release = holdBack();
    const young = await stage.registry(etcd.endpoint);
    const watching = watchIdly(young.client);
    // Reads go on, and so does a watch that no drain waits for.
    const { instances } = await young.client.getService({ service: SERVICE });
    expect(instances.map(({ id }) => id)).toEqual(['a']);
    const plain = stage.follow(young.client);
    await eventually(() => expect(plain.ids).toEqual(['a']));

    const revision = await stop(old.client, 'a');
    const told: WatchDrainResponse[] = [];
    const drain = old.client.watchDrain({ service: SERVICE, revision, listedMs: 1n });
    for await (const answer of drain) told.push(answer);
    expect(told).toMatchObject([{ holders: [], holderCount: 0 }]);
    release.key();
    await areListed(2);
    // Its own view is older than that yet.
    expect(watching.messages).toEqual([]);
    release.changes();
    await eventually(() => expect(watching.messages.length).toBeGreaterThan(0));
    const [first] = watching.messages;
    expect(first?.snapshot?.revision).toBeGreaterThanOrEqual(revision);
    expect(first?.snapshot?.instances.map(({ status }) => status)).toEqual([STOPPING]);
  });

  it('F11: a replica that cannot be listed serves all the same', async () => {
    holdBack();
    const registry = await stage.registry(etcd.endpoint);
    const watching = watchIdly(registry.client);
    await eventually(() => expect(watching.messages.length).toBeGreaterThan(0));
  });

  it('F11: who comes while etcd is away for long is told at once what is known', async () => {
    const { client, store } = await stage.registry(etcd.endpoint);
    await client.register(registrationOf('b'));
    await areListed(1);
    etcd.pause();
    stage.defer(() => etcd.resume());
    await eventually(() => expect(store.catalog.isStale).toBe(true), { withinMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, LISTED_MS));
    const startedAt = performance.now();
    const watching = watchIdly(client);
    await eventually(() => expect(watching.messages.length).toBeGreaterThan(0));
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(watching.messages[0]).toMatchObject({ stale: true });
    expect(watching.ids).toContain('b');
  });

  it('F29: waits for the clients of a replica that an outage of etcd has taken off the list as well', async () => {
    const proxies = [await createTcpProxy(etcd.endpoint), await createTcpProxy(etcd.endpoint)];
    const [mine, others] = proxies.map((proxy) => stage.use(proxy));
    if (mine === undefined || others === undefined) throw new Error('there are two');
    const asked = await stage.registry(mine.address);
    const other = await stage.registry(others.address);
    await areListed(2);
    await asked.client.register(registrationOf('c'));
    const watching = watchIdly(other.client);
    await eventually(() => expect(watching.ids).toContain('c'));
    for (const proxy of proxies) proxy.cut();
    await areListed(0, 15_000);
    mine.restore();
    await eventually(() => expect(asked.store.catalog.isStale).toBe(false), { withinMs: 10_000 });
    await areListed(1);
    const revision = await stop(asked.client, 'c');
    const holders = new Set<string>();
    const drain = (async () => {
      for await (const answer of asked.client.watchDrain({ service: SERVICE, revision })) {
        for (const { client } of answer.holders) holders.add(client);
      }
    })();
    await eventually(() => expect([...holders]).toEqual([`registry ${asked.address}`]));
    others.restore();
    await eventually(() => expect(holders).toContain('lazy/1'), { withinMs: 8000 });
    await watching.stop();
    await drain;
    // It waits for leases to end, and until no more replicas can be expected back.
  }, 60_000);
});
