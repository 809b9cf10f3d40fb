import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { EtcdStore } from '@weft/registry';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { EtcdKeepAlive } from '../../registry/src/store/etcd-keep-alive.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { describeWith } from '../support/tools.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

describeWith(['etcd', 'etcdctl'], 'an etcd of several members', () => {
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
    jest.restoreAllMocks();
    await cleanup.disposeAsync();
  });

  /** Two members, of which the first refuses connections. */
  const withDeadMember = async () => [`127.0.0.1:${await freePort('127.0.0.1')}`, etcd.endpoint];

  it('F16: is worked with while one of them refuses connections', async () => {
    const store = new EtcdStore({ endpoints: await withDeadMember() });
    cleanup.defer(() => store.close());
    await eventually(() => expect(store.catalog.isStale).toBe(false), { withinMs: 3000 });
    const { instance } = await store.register(describedInstance(), 10);
    expect(await store.keepAlive([instance.leaseId])).toEqual([10]);
    expect(store.catalog.get('user-service', 'a')).toEqual(instance);
  });

  it('F16: renews leases at the next member, whichever is asked first', async () => {
    const endpoints = await withDeadMember();
    for (const members of [endpoints, endpoints.toReversed()]) {
      for (let round = 0; round < 4; round += 1) {
        const client = new EtcdClient(members);
        const keepAlive = new EtcdKeepAlive(client);
        cleanup.defer(() => client.close());
        cleanup.defer(() => keepAlive.close());
        expect(await keepAlive.renew([1n, 2n])).toEqual([0, 0]);
      }
    }
  });

  it('fails a renewal when none of them answers', async () => {
    const dead = [
      `127.0.0.1:${await freePort('127.0.0.1')}`,
      `127.0.0.1:${await freePort('127.0.0.1')}`,
    ];
    const client = new EtcdClient(dead);
    const keepAlive = new EtcdKeepAlive(client);
    cleanup.defer(() => client.close());
    cleanup.defer(() => keepAlive.close());
    await expect(keepAlive.renew([1n])).rejects.toThrow(/does not answer/);
  });

  it('F23: takes a write that is tried again after it was done for what it is', async () => {
    const { putEachIf } = EtcdClient.prototype;
    const store = new EtcdStore({ endpoints: [etcd.endpoint] });
    cleanup.defer(() => store.close());
    await store.catalog.completed;
    // The first attempt is done and its answer lost, so that the second finds the key changed.
    jest.spyOn(EtcdClient.prototype, 'putEachIf').mockImplementation(async function again(
      this: EtcdClient,
      ...write: Parameters<typeof putEachIf>
    ) {
      await putEachIf.apply(this, write);
      return putEachIf.apply(this, write);
    });
    const described = describedInstance({ service: 'twice' });
    const { instance, revision } = await store.register(described, 600);
    expect(instance.modRevision).toBe(revision);
    const { leaseId } = instance;
    const changed = await store.update({ service: 'twice', id: 'a', leaseId }, { weight: 3 });
    expect(changed.revision).toBeGreaterThan(revision);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await store.keepAlive([leaseId])).toEqual([600]);
    expect(store.catalog.get('twice', 'a')).toEqual(changed.instance);
  });
});
