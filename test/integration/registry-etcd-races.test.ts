import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { Catalog } from '../../registry/src/store/catalog.ts';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { EtcdFeed } from '../../registry/src/store/etcd-feed.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage, registrationOf, SERVICE } from '../support/registry-stage.ts';
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
});
