import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { createRegistry, EtcdStore } from '@weft/registry';
import { Catalog } from '../../registry/src/store/catalog.ts';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { EtcdFeed } from '../../registry/src/store/etcd-feed.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

const KEY = '/weft/v1/services/user-service/a';

const at = (id: string, port = 5000) => ({
  instance: { service: 'user-service', id, address: { host: '127.0.0.1', port } },
});

describeWith(['etcd', 'etcdctl'], 'revisions of an etcd that others use too', () => {
  let etcd: TestEtcd;
  let cleanup: AsyncDisposableStack;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());
  beforeEach(() => {
    cleanup = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await cleanup.disposeAsync();
    await etcd.ctl('del', '--prefix', '/');
  });

  async function start(feed: { auditMs?: number; confirmMs?: number } = {}) {
    const store = new EtcdStore({ endpoints: [etcd.endpoint], ...feed });
    const registry = await createRegistry({ port: 0, callback: false, store });
    cleanup.defer(() => registry.close());
    await store.catalog.completed;
    const connection = createRegistryClient(registry.address);
    cleanup.defer(() => connection.close());
    return { catalog: store.catalog, client: connection.client };
  }

  type Client = Awaited<ReturnType<typeof start>>['client'];

  function follow(client: Client, fromRevision?: bigint) {
    const watch = new WatchRecorder(client, fromRevision === undefined ? {} : { fromRevision });
    cleanup.defer(() => watch.stop());
    return watch;
  }

  it('F12: tells all anew when its etcd is of another history, whatever the revisions', async () => {
    const { client, catalog } = await start({ confirmMs: 100 });
    await client.register(at('a'));
    const watch = follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a']));
    const { history } = catalog;
    expect((await etcd.ctl('get', '/weft/v1/history')).split('\n')[1]).toBe(history);
    // As a wiped one has it, whose revisions have passed the old ones.
    await etcd.ctl('del', '/weft/v1/history');
    await eventually(() => expect(catalog.history).not.toBe(history));
    await eventually(() => expect(watch.stretches).toHaveLength(2));
    const last = watch.messages.findLast(({ snapshot }) => snapshot !== undefined);
    expect(last?.snapshot?.history).toBe(catalog.history);
    expect(watch.ids).toEqual(['a']);
    const other = await start();
    expect(other.catalog.history).toBe(catalog.history);
  });

  it('lets a watch go on at a replica whose mesh was quiet while others wrote', async () => {
    const quiet = await start();
    await quiet.client.register(at('a'));
    const before = quiet.catalog.revision;
    for (const text of ['1', '2', '3']) await etcd.ctl('put', '/elsewhere', text);
    const fresh = await start();
    // Both have come to where the joining of the fresh one left etcd: between there and before, only
    // a replica that saw all of it lets a watch go on.
    const revision = await eventually(() => {
      expect(fresh.catalog.revision).toBeGreaterThan(before);
      expect(quiet.catalog.revision).toBe(fresh.catalog.revision);
      return quiet.catalog.revision;
    });
    const watch = follow(quiet.client, revision);
    await eventually(() => expect(watch.messages).not.toHaveLength(0), { withinMs: 2500 });
    await fresh.client.register(at('b', 5001));
    // By an event, or a snapshot where the revision is one that this replica has passed over.
    await eventually(() => expect(watch.ids).toContain('b'));
  });

  it('B22: comes to revisions told by writes that changed nothing', async () => {
    const { client, catalog } = await start();
    const before = catalog.revision;
    await etcd.ctl('put', '/elsewhere', '1');
    const { revision } = await client.deregister({ service: 'user-service', id: 'nobody' });
    expect(revision).toBeGreaterThan(before);
    const watch = follow(client, revision);
    await eventually(() => expect(watch.messages).not.toHaveLength(0), { withinMs: 2500 });
    // A foreign value under the prefix is read past, and others still count.
    await etcd.ctl('put', KEY, 'garbage');
    await eventually(() => expect(catalog.revision).toBe(revision + 1n), { withinMs: 1000 });
    await etcd.ctl('put', '/elsewhere', '2');
    await eventually(() => expect(catalog.revision).toBe(revision + 2n));
  });

  it('does not list all keys because others write', async () => {
    class CountingClient extends EtcdClient {
      lists = 0;
      override list(...args: Parameters<EtcdClient['list']>) {
        this.lists += 1;
        return super.list(...args);
      }
    }
    const client = new CountingClient([etcd.endpoint]);
    const catalog = new Catalog();
    const feed = new EtcdFeed({ client, catalog, log: silentLog, checkMs: 50 });
    feed.start();
    cleanup.defer(async () => {
      await feed.close();
      client.close();
    });
    await catalog.completed;
    await eventually(() => expect(catalog.isStale).toBe(false));
    const before = client.lists;
    for (let round = 0; round < 8; round += 1) {
      await etcd.ctl('put', '/elsewhere', `${round}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(client.lists - before).toBeLessThanOrEqual(1);
  });

  it('B22: drops an instance whose value was overwritten once its lease has ended', async () => {
    const { client, catalog } = await start({ auditMs: 300 });
    const { leaseId } = await client.register({ ...at('a'), ttlSeconds: 2 });
    await client.register(at('b', 5001));
    const watch = follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    await etcd.ctl('put', KEY, 'garbage');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(watch.ids).toEqual(['a', 'b']);
    await etcd.ctl('lease', 'revoke', leaseId.toString(16));
    await eventually(() => expect(watch.ids).toEqual(['b']));
    // Nothing is left to be found again, and a registration takes the place.
    expect(catalog.isStale).toBe(false);
    await client.register(at('a'));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
  });
});
