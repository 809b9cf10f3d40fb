import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ServingStatus, silentLog } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { createRegistry, EtcdStore } from '@weft/registry';
import { createChannel, createClient } from 'nice-grpc';
import { Catalog } from '../../registry/src/store/catalog.ts';
import { EtcdClient, type WatchListener } from '../../registry/src/store/etcd-client.ts';
import { EtcdFeed } from '../../registry/src/store/etcd-feed.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient } from '../support/registry.ts';
import { failureOf } from '../support/services.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

const at = (id: string, port = 5000) => ({
  instance: {
    service: 'user-service',
    id,
    address: { host: '127.0.0.1', port },
    incarnation: `run-of-${id}`,
  },
});

describeWith(['etcd', 'etcdctl'], 'the registry while etcd fails', () => {
  let cleanup: AsyncDisposableStack;
  let etcd: TestEtcd;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    etcd = await createTestEtcd();
    cleanup.defer(() => etcd.close());
  });
  afterEach(() => cleanup.disposeAsync());

  async function start(endpoint = etcd.endpoint, { isReady = true } = {}) {
    const store = new EtcdStore({ endpoints: [endpoint], confirmMs: 1000 });
    const registry = await createRegistry({ port: 0, store });
    cleanup.defer(() => registry.close());
    if (isReady) await store.catalog.completed;
    const connection = createRegistryClient(registry.address);
    cleanup.defer(() => connection.close());
    return { registry, client: connection.client };
  }

  function follow(client: Awaited<ReturnType<typeof start>>['client']) {
    const watch = new WatchRecorder(client);
    cleanup.defer(() => watch.stop());
    return watch;
  }

  /** An owner as a service is: renews each 300 ms, registers again when told to, for ever. */
  function own(client: Awaited<ReturnType<typeof start>>['client'], id: string, port: number) {
    const stopper = new AbortController();
    const counts = { registrations: 0 };
    const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
    const running = (async () => {
      while (!stopper.signal.aborted) {
        try {
          const { leaseId } = await client.register(at(id, port));
          counts.registrations += 1;
          const requests = async function* () {
            while (!stopper.signal.aborted) {
              yield { leaseIds: [leaseId] };
              await pause();
            }
          };
          for await (const { leases } of client.keepAlive(requests())) {
            if (leases[0]?.ttlSeconds === 0) break;
          }
        } catch {
          await pause();
        }
      }
    })();
    cleanup.defer(async () => {
      stopper.abort();
      await running;
    });
    return counts;
  }

  async function elapsed(action: Promise<unknown>): Promise<number> {
    const start = performance.now();
    await action;
    return performance.now() - start;
  }

  it('serves what it knows, marked stale, and loses nothing over a restart of etcd', async () => {
    const { client } = await start();
    const owners = [own(client, 'a', 5000), own(client, 'b', 5001)];
    const watch = follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    await eventually(() => expect(watch.isStale).toBe(false));
    const held = client.keepAlive(
      (async function* () {
        yield { leaseIds: [1n] };
        await new Promise((resolve) => setTimeout(resolve, 500));
        yield { leaseIds: [1n] };
      })(),
    );
    const messages = held[Symbol.asyncIterator]();
    await messages.next();
    await etcd.stop();
    expect((await failureOf(messages.next())).code).toBe('UNAVAILABLE');
    await eventually(() => expect(watch.isStale).toBe(true), { withinMs: 3000 });
    const read = await client.getService({ service: 'user-service' });
    expect(read).toMatchObject({ stale: true, instances: [{ id: 'a' }, { id: 'b' }] });
    const failures: unknown[] = [];
    const spent = await elapsed(
      failureOf(client.register(at('c', 5002))).then((failure) => failures.push(failure)),
    );
    expect(failures).toEqual([{ code: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' }]);
    expect(spent).toBeLessThan(4000);
    await etcd.start();
    await eventually(() => expect(watch.isStale).toBe(false), { withinMs: 5000 });
    await client.register(at('c', 5002));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    expect(watch.messages.filter(({ snapshot }) => snapshot)).toHaveLength(1);
    expect(new Set(watch.revisions).size).toBe(watch.revisions.length);
    expect(Math.min(...watch.sizes.slice(-3))).toBeGreaterThanOrEqual(2);
    // The same incarnation gets its lease back: nobody is listed anew.
    expect(watch.revisions.length).toBeLessThanOrEqual(3);
    expect(owners.every(({ registrations }) => registrations >= 1)).toBe(true);
  });

  it('fails writes in time while etcd is frozen, and goes on when it thaws', async () => {
    const { client } = await start();
    await client.register(at('a'));
    const watch = follow(client);
    await eventually(() => expect(watch.isStale).toBe(false));
    etcd.pause();
    try {
      const spent = await elapsed(failureOf(client.register(at('b', 5001))));
      expect(spent).toBeLessThan(5000);
      await eventually(() => expect(watch.isStale).toBe(true));
      expect(watch.ids).toEqual(['a']);
    } finally {
      etcd.resume();
    }
    await eventually(() => expect(watch.isStale).toBe(false));
    await client.register(at('b', 5001));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
  });

  it('brings exactly what changed when etcd compacted away what it missed', async () => {
    const proxy = await createTcpProxy(etcd.endpoint);
    cleanup.defer(() => proxy.close());
    const [cutOff, other] = [await start(proxy.address), await start()];
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      await other.client.register(at(id, 5000 + index));
    }
    const { catalog } = cutOff.registry.store;
    await eventually(() => expect(catalog.instances('user-service')).toHaveLength(3));
    const watch = follow(cutOff.client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await eventually(() => expect(watch.isStale).toBe(false));
    proxy.cut();
    await eventually(() => expect(watch.isStale).toBe(true));
    await other.client.deregister({ service: 'user-service', id: 'b' });
    await other.client.updateInstance({ service: 'user-service', id: 'c', weight: 7 });
    const { revision } = await other.client.register(at('d', 5003));
    await etcd.ctl('compact', `${revision}`);
    const before = watch.sizes.length;
    proxy.restore();
    await eventually(() => expect(watch.ids).toEqual(['a', 'c', 'd']));
    expect(watch.held.get('user-service/c')?.weight).toBe(7);
    expect(watch.revisions).toHaveLength(3);
    expect(Math.min(...watch.sizes.slice(before))).toBeGreaterThanOrEqual(3);
    expect(watch.messages.filter(({ snapshot }) => snapshot)).toHaveLength(1);
  });

  it('keeps the old set while a wiped etcd fills again, then answers a new snapshot', async () => {
    const { client } = await start();
    own(client, 'a', 5000);
    own(client, 'b', 5001);
    await client.register(at('c', 5002));
    const watch = follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await etcd.stop();
    await etcd.start({ wipe: true });
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']), { withinMs: 8000 });
    await eventually(() => expect(watch.isStale).toBe(false));
    expect(watch.messages.filter(({ snapshot }) => snapshot)).toHaveLength(2);
    expect(Math.min(...watch.sizes)).toBeGreaterThanOrEqual(2);
  });

  it('F18: connects to an etcd that is slow to answer', async () => {
    const proxy = await createTcpProxy(etcd.endpoint);
    cleanup.defer(() => proxy.close());
    proxy.delay(150);
    const { client } = await start(proxy.address);
    await client.register(at('a'));
    expect((await client.getService({ service: 'user-service' })).instances).toHaveLength(1);
  });

  it('starts without etcd, NOT_SERVING, and serves once it is there', async () => {
    await etcd.stop();
    const { registry, client } = await start(etcd.endpoint, { isReady: false });
    const channel = createChannel(registry.address);
    cleanup.defer(() => channel.close());
    const health = createClient(HealthDefinition, channel);
    expect((await health.check({})).status).toBe(ServingStatus.NOT_SERVING);
    expect(await failureOf(client.listServices({}))).toEqual({
      code: 'UNAVAILABLE',
      reason: 'NOT_READY',
    });
    expect((await failureOf(client.register(at('a')))).code).toBe('UNAVAILABLE');
    await etcd.start();
    await eventually(async () => {
      expect((await health.check({})).status).toBe(ServingStatus.SERVING);
    });
    await client.register(at('a'));
    expect((await client.listServices({})).services).toHaveLength(1);
  });

  it('finds out that a watch went silent, or lost a change', async () => {
    /** A real client whose watches lose what they are told to lose. */
    class LossyClient extends EtcdClient {
      isLosing = false;
      override watch(prefix: string, fromRevision: bigint, listener: WatchListener) {
        return super.watch(prefix, fromRevision, {
          ...listener,
          changed: (changes) => {
            if (!this.isLosing) listener.changed(changes);
          },
        });
      }
    }
    const client = new LossyClient([etcd.endpoint]);
    const catalog = new Catalog();
    const feed = new EtcdFeed({ client, catalog, log: silentLog, checkMs: 100, auditMs: 300 });
    feed.start();
    cleanup.defer(async () => {
      await feed.close();
      client.close();
    });
    const other = await start();
    await other.client.register(at('a'));
    await eventually(() => expect(catalog.get('user-service', 'a')).toBeDefined());
    client.isLosing = true;
    await other.client.register(at('silent', 5001));
    await eventually(() => expect(catalog.get('user-service', 'silent')).toBeDefined());
    await other.client.register(at('lost', 5002));
    client.isLosing = false;
    await other.client.register(at('seen', 5003));
    await eventually(() => {
      expect(catalog.instances('user-service').map(({ id }) => id)).toEqual([
        'a',
        'lost',
        'seen',
        'silent',
      ]);
    });
  });
});
