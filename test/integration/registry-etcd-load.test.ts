import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EtcdStore } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { describeWith } from '../support/tools.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

describeWith(['etcd', 'etcdctl'], 'a store on etcd under load', () => {
  let etcd: TestEtcd;
  let store: EtcdStore;

  beforeAll(async () => {
    etcd = await createTestEtcd();
    store = new EtcdStore({ endpoints: [etcd.endpoint] });
    await store.catalog.completed;
  });
  afterAll(async () => {
    await store.close();
    await etcd.close();
  });

  it('F18: takes a thousand registrations at once, and renews leases meanwhile', async () => {
    const { instance } = await store.register(describedInstance({ service: 'first' }), 10);
    const registering = Array.from({ length: 1000 }, (_, index) =>
      store.register(describedInstance({ service: 'crowd', id: `i${index}` }), 600),
    );
    const outcomes = Promise.allSettled(registering);
    await Promise.race(registering);
    const asked = performance.now();
    expect(await store.keepAlive([instance.leaseId])).toEqual([10]);
    expect(performance.now() - asked).toBeLessThan(1500);
    const failed = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(failed).toEqual([]);
    expect(store.catalog.instances('crowd')).toHaveLength(1000);
    expect(await etcd.ctl('lease', 'list')).toMatch(/found 1001 leases/);
  });
});
