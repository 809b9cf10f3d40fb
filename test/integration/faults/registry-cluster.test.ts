import { expect, it, jest } from '@jest/globals';
import type { TestEtcd } from '../../support/etcd.ts';
import { createTestEtcdCluster, type TestEtcdCluster } from '../../support/etcd-cluster.ts';
import { expectFaithful } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { RegistryStage, registrationOf } from '../../support/registry-stage.ts';
import { describeWith } from '../../support/tools.ts';

/** Of its members, two replicas, and three instances with the least TTL there is. */
async function start({ ttlSeconds = 2 } = {}) {
  const stage = new RegistryStage();
  const cluster = stage.use(await createTestEtcdCluster());
  const replicas = [
    await stage.registry(cluster.endpoints),
    await stage.registry(cluster.endpoints.toReversed()),
  ] as const;
  const addresses = replicas.map(({ address }) => address);
  const serving = ['a', 'b', 'c'].map((id) => stage.serve(addresses, id, { ttlSeconds }));
  const instances = await Promise.all(serving);
  const watches = replicas.map(({ client }) => stage.follow(client));
  const [{ client }] = replicas;
  await eventually(() => {
    for (const { ids } of watches) expect(ids).toEqual(['a', 'b', 'c']);
  });
  const leases = instances.map(({ host }) => host.instance.leaseId);
  return { stage, cluster, client, instances, watches, leases };
}

/** The election is over, and every lease was renewed more than once since. */
async function settled(cluster: TestEtcdCluster, at: TestEtcd, ttlSeconds = 2) {
  await eventually(() => cluster.leader(at));
  await new Promise((resolve) => setTimeout(resolve, ttlSeconds * 1000 + 200));
}

// A busy machine takes its time.
jest.setTimeout(60_000);

describeWith(['etcd', 'etcdctl'], 'an etcd of three members', () => {
  it.concurrent('F16: one killed, then the leader: nothing is deregistered, writes go on', async () => {
    const { stage, cluster, client, instances, watches, leases } = await start();
    await using _ = stage;
    const [first] = cluster.members as [TestEtcd];
    const leader = await cluster.leader(first);
    const [follower, other] = cluster.members.filter((member) => member !== leader) as [
      TestEtcd,
      TestEtcd,
    ];
    await follower.kill();
    await client.register(registrationOf('x'));
    await settled(cluster, leader);
    await follower.start();
    await leader.kill();
    await settled(cluster, other);
    await client.register(registrationOf('y'));
    for (const watch of watches) {
      await expectFaithful(watch, other);
      expect(watch.ids).toEqual(['a', 'b', 'c', 'x', 'y']);
      expect(watch.revisions).toHaveLength(2);
      expect(watch.stretches).toHaveLength(1);
    }
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });

  it.concurrent('F16: the leader frozen: renewals go on elsewhere within the TTL', async () => {
    // A frozen member is given up after 2 s; the default TTL is 10.
    const ttlSeconds = 4;
    const { stage, cluster, client, instances, watches, leases } = await start({ ttlSeconds });
    await using _ = stage;
    const [first] = cluster.members as [TestEtcd];
    const leader = await cluster.leader(first);
    const other = cluster.members.find((member) => member !== leader) as TestEtcd;
    leader.pause();
    await eventually(async () => expect(await cluster.leader(other)).not.toBe(leader));
    await settled(cluster, other, ttlSeconds);
    await client.register(registrationOf('x'));
    for (const watch of watches) {
      // A watch that the frozen member had taken was silent: what it missed came from a list.
      await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c', 'x']), {
        withinMs: 15_000,
      });
      const [{ changes } = { changes: [] }, ...others] = watch.stretches;
      expect(changes).toEqual([expect.stringMatching(/^PUT user-service\/x@/)]);
      expect(others).toEqual([]);
    }
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });

  it.concurrent('F16: a follower frozen: it holds up the write that finds out, not every third', async () => {
    await using stage = new RegistryStage();
    const cluster = stage.use(await createTestEtcdCluster());
    const { client } = await stage.registry(cluster.endpoints);
    const [first, ...others] = cluster.members as [TestEtcd, ...TestEtcd[]];
    const leader = await cluster.leader(first);
    const slowOf = async (ids: string[]) => {
      let slow = 0;
      for (const id of ids) {
        const startedAt = performance.now();
        await client.register(registrationOf(id));
        // So long it is given to answer.
        if (performance.now() - startedAt >= 1000) slow += 1;
      }
      return slow;
    };
    const ids = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}${index}`);
    // Every member is connected to; the watch is at the first.
    await slowOf(ids('before', 10));
    const follower = others.find((member) => member !== leader) as TestEtcd;
    follower.pause();
    // One finds out, and maybe another one at once or ten seconds later.
    expect(await slowOf(ids('after', 30))).toBeLessThanOrEqual(2);
  });
});
