import { expect, it } from '@jest/globals';
import { fillEtcd } from '../bench/harness/fill-etcd.ts';
import { createTestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage } from '../support/registry-stage.ts';
import { describeWith } from '../support/tools.ts';

/** More changes than the registry sends a watcher one by one. */
const INSTANCES = 5000;

describeWith(['etcd', 'etcdctl'], 'a service that loses all its instances at once', () => {
  it('F15: is seen as empty at once if the registry has no trouble, whatever the TTL was', async () => {
    await using stage = new RegistryStage();
    const etcd = stage.use(await createTestEtcd());
    const shared = { services: 1, perService: INSTANCES, perLease: INSTANCES, ttlSeconds: 600 };
    const [leaseId = 0n] = await fillEtcd({ endpoint: etcd.endpoint, prefix: 'crowd', ...shared });
    const { address, client } = await stage.registry(etcd.endpoint);
    const mesh = stage.mesh(address);
    const kept: number[] = [];
    mesh.events.on('snapshotKept', (event) => kept.push(event.kept));
    const watch = stage.follow(client, { service: 'crowd-0' });
    const known = async () => {
      const { instances, stale } = await mesh.discover('crowd-0');
      return { count: instances.length, stale };
    };
    await eventually(async () => expect(await known()).toEqual({ count: INSTANCES, stale: false }));
    await etcd.ctl('lease', 'revoke', leaseId.toString(16));
    await eventually(async () => {
      const { instances } = await client.listInstances({});
      expect(instances).toEqual([]);
    });
    await eventually(async () => expect(await known()).toEqual({ count: 0, stale: false }));
    expect(kept).toEqual([]);
    // A registry that has just read all of etcd knows the present state.
    expect(watch.messages.filter(({ stale }) => stale)).toEqual([]);
  });
});
