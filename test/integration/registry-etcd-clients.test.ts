import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { createRegistry, EtcdStore } from '@weft/registry';
import { createChannel, createClient } from 'nice-grpc';
import { openDirectory } from '../support/discovery.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient } from '../support/registry.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { describeWith } from '../support/tools.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

describeWith(['etcd', 'etcdctl'], 'a registry on etcd, to its clients', () => {
  let etcd: TestEtcd;
  let cleanup: AsyncDisposableStack;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());
  beforeEach(() => {
    cleanup = new AsyncDisposableStack();
  });
  afterEach(() => cleanup.disposeAsync());

  async function start({ endpoint = etcd.endpoint, port = 0, unreadyAfterMs = 5000 } = {}) {
    const store = new EtcdStore({ endpoints: [endpoint] });
    const registry = await createRegistry({ port, store, unreadyAfterMs });
    cleanup.defer(() => registry.close(0));
    await store.catalog.completed;
    return { registry, store };
  }

  function connect(address: string) {
    const { client, close } = createRegistryClient(address);
    cleanup.defer(() => close());
    return client;
  }

  it('lets anyone read what was written through another replica', async () => {
    const [here, there] = [await start(), await start()];
    const [writer, reader] = [connect(here.registry.address), connect(there.registry.address)];
    const service = 'read-your-writes';
    for (let port = 1; port <= 20; port += 1) {
      const instance = describedInstance({
        service,
        id: `i${port}`,
        address: { host: '127.0.0.1', port },
      });
      const { revision: minRevision } = await writer.register({
        instance,
        ttlSeconds: 600,
        skipCallback: true,
      });
      const { instances, revision } = await reader.getService({ service, minRevision });
      expect(instances).toHaveLength(port);
      expect(revision).toBeGreaterThanOrEqual(minRevision);
      const listed = await reader.listInstances({ service, minRevision });
      expect(listed.instances).toHaveLength(port);
    }
  });

  it('F19: cut off from etcd it is not ready for new clients, and serves what it knows', async () => {
    const proxy = await createTcpProxy(etcd.endpoint);
    cleanup.defer(() => proxy.close());
    const { registry, store } = await start({ endpoint: proxy.address, unreadyAfterMs: 200 });
    await store.register(describedInstance({ service: 'cut-off' }), 600);
    await eventually(() => expect(store.catalog.isStale).toBe(false));
    const channel = createChannel(registry.address);
    cleanup.defer(() => channel.close());
    const health = createClient(HealthDefinition, channel);
    const client = connect(registry.address);
    const status = async () => (await health.check({})).status;
    expect(await status()).toBe(ServingStatus.SERVING);
    proxy.cut();
    await eventually(async () => expect(await status()).toBe(ServingStatus.NOT_SERVING));
    const read = await client.getService({ service: 'cut-off' });
    expect(read).toMatchObject({ stale: true, instances: [{ id: 'a' }] });
    proxy.restore();
    await eventually(async () => expect(await status()).toBe(ServingStatus.SERVING));
    expect((await client.getService({ service: 'cut-off' })).stale).toBe(false);
    expect(store.stats.watches).toBeGreaterThanOrEqual(2);
  });

  /** Range reads that etcd has answered. */
  async function rangeReads(): Promise<number> {
    const metrics = await (await fetch(`http://${etcd.endpoint}/metrics`)).text();
    const [, count] = /^etcd_(?:debugging_)?mvcc_range_total (\S+)$/m.exec(metrics) ?? [];
    if (count === undefined) throw new Error('etcd does not count its range reads');
    return Number(count);
  }

  const CLIENTS = 50;
  const SERVICES = 20;

  it('F21: restarts under a thousand watches, and etcd sees no list for each of them', async () => {
    const writer = new EtcdStore({ endpoints: [etcd.endpoint] });
    cleanup.defer(() => writer.close());
    await writer.catalog.completed;
    const names = Array.from({ length: SERVICES }, (_, index) => `thousand-${index}`);
    const list = (id: string) =>
      Promise.all(names.map((service) => writer.register(describedInstance({ service, id }), 600)));
    await list('before');
    const first = await start();
    const port = Number(first.registry.address.split(':').at(-1));
    const known: string[][] = [];
    const everyoneKnows = (id: string) =>
      eventually(() => expect(known.filter((ids) => ids.includes(id))).toHaveLength(known.length), {
        withinMs: 60_000,
      });
    for (let client = 0; client < CLIENTS; client += 1) {
      const { directory, close } = openDirectory(first.registry.address);
      cleanup.defer(close);
      for (const service of names) {
        const ids: string[] = [];
        known.push(ids);
        directory.follow(service, {
          instancesChanged: ({ put }) => void ids.push(...put.map(({ id }) => id)),
          discoveryFailed() {},
        });
      }
      // They come one after another; it is after the restart that they come all at once.
      await everyoneKnows('before');
    }
    const [readsBefore, startedAt] = [await rangeReads(), performance.now()];
    await first.registry.close(0);
    await start({ port });
    await eventually(() => list('meanwhile'), { withinMs: 30_000 });
    await everyoneKnows('meanwhile');
    const reads = (await rangeReads()) - readsBefore;
    const seconds = (performance.now() - startedAt) / 1000;
    // Each registration reads once. Two stores ask each second how far etcd is, and a registry who the
    // others are.
    expect(reads - 6 * seconds).toBeLessThanOrEqual(2 * SERVICES);
    // They went on where they were: nobody was told anew of who was there before.
    expect(known.every((ids) => ids.length === 2)).toBe(true);
  }, 150_000);
});
