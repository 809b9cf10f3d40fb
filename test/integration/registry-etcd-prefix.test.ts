import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EtcdStore } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage, registrationOf } from '../support/registry-stage.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { startWeft, stubCommand, writeWeftYaml } from '../support/weft-process.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

const SERVICE = 'user-service';

describeWith(['etcd', 'etcdctl'], 'several environments on one etcd', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  const keys = async () =>
    (await etcd.ctl('get', '--prefix', '--keys-only', '/')).split('\n').filter((it) => it !== '');

  it('a registry with a key prefix sees only the instances and replicas of its environment', async () => {
    await using stage = new RegistryStage();
    const prefixes = [undefined, '/staging', '/teams/a'];
    const replicas = await Promise.all(
      prefixes.map(async (prefix) => ({
        prefix: prefix ?? '',
        first: await stage.registry(etcd.endpoint, { prefix }),
        second: await stage.registry(etcd.endpoint, { prefix }),
      })),
    );
    const watches = replicas.map(({ second }) => stage.follow(second.client, { service: SERVICE }));
    for (const [index, { first }] of replicas.entries()) {
      await first.client.register(registrationOf('same-id', { service: SERVICE }));
      await first.client.register(registrationOf(`only-${index}`, { service: SERVICE }));
    }
    await eventually(() => {
      for (const [index, { ids }] of watches.entries()) {
        expect(ids).toEqual([`only-${index}`, 'same-id']);
      }
    });
    const stored = await keys();
    for (const [index, { prefix }] of replicas.entries()) {
      expect(stored).toContain(`${prefix}/weft/v1/services/${SERVICE}/only-${index}`);
      expect(stored).toContain(`${prefix}/weft/v1/history`);
      const own = stored.filter((key) => key.startsWith(`${prefix}/weft/v1/registries/`));
      expect(own).toHaveLength(2);
    }
    // Each write and delete is seen in its environment alone.
    const [plain, staging] = replicas;
    await plain?.first.client.deregister({ service: SERVICE, id: 'same-id' });
    await etcd.ctl('del', `/staging/weft/v1/services/${SERVICE}/only-1`);
    await eventually(() => {
      expect(watches.map(({ ids }) => ids)).toEqual([
        ['only-0'],
        ['same-id'],
        ['only-2', 'same-id'],
      ]);
    });
    const { instances } = (await staging?.first.client.listInstances({})) ?? {};
    expect(instances?.map(({ id }) => id)).toEqual(['same-id']);
    for (const { first, second } of replicas) {
      expect(first.store.catalog.isStale || second.store.catalog.isStale).toBe(false);
      expect(first.store.stats).toMatchObject({ differences: 0, skippedValues: 0, relists: 1 });
    }
  });

  it('meshes of weft.yaml files with different prefixes share an etcd and not their instances', async () => {
    const meshes = ['/blue', '/green'].map((prefix) => {
      const folder = tempFolder('weft-prefix-');
      writeWeftYaml(folder.path, {
        registry: { port: 0, etcd: { prefix } },
        services: { shop: { command: stubCommand('shop') } },
      });
      const up = startWeft(['up'], {
        folder: folder.path,
        env: { ETCD_ENDPOINTS: etcd.endpoint, ETCD_PREFIX: '/ignored' },
      });
      return { prefix, folder, up };
    });
    try {
      await Promise.all(meshes.map(({ up }) => up.waitFor(/The mesh is up/)));
      for (const { prefix, folder, up } of meshes) {
        expect(up.output()).toContain(`get --prefix ${prefix}/weft/v1/`);
        const listed = await runWeftHere(['instances', '--json'], folder.path);
        const { instances } = JSON.parse(listed.stdout) as { instances: { id: string }[] };
        const stored = (await keys()).filter((key) => key.startsWith(`${prefix}/weft/v1/services`));
        expect(stored).toEqual([`${prefix}/weft/v1/services/shop/${instances[0]?.id}`]);
        expect(instances).toHaveLength(1);
      }
      expect((await keys()).filter((key) => key.startsWith('/ignored'))).toEqual([]);
    } finally {
      for (const { up } of meshes) up.signal('SIGTERM');
      await Promise.all(meshes.map(({ up }) => up.exited));
      for (const { folder } of meshes) folder[Symbol.dispose]();
    }
  });

  describe('with users', () => {
    const user = { name: 'staging', password: 'secret' };

    beforeAll(async () => {
      await etcd.ctl('user', 'add', 'root:root');
      await etcd.ctl('user', 'grant-role', 'root', 'root');
      // As registry/README.md describes it.
      await etcd.ctl('role', 'add', 'weft-staging');
      const grant = ['role', 'grant-permission', '--prefix=true', 'weft-staging', 'readwrite'];
      await etcd.ctl(...grant, '/staging/weft/');
      await etcd.ctl('user', 'add', 'staging:secret');
      await etcd.ctl('user', 'grant-role', 'staging', 'weft-staging');
      await etcd.ctl('auth', 'enable');
    });

    it('a role for the prefix is enough for its registry, and keeps it out of the others', async () => {
      await using stage = new RegistryStage();
      const open = (prefix?: string) =>
        stage.use(new EtcdStore({ endpoints: [etcd.endpoint], user, prefix }));
      const store = open('/staging');
      await store.catalog.completed;
      const { instance } = await store.register(describedInstance({ id: 'as-user' }), 10);
      expect(await store.keepAlive([instance.leaseId])).toEqual([10]);
      const { service, id } = instance;
      const reference = { service, id, leaseId: instance.leaseId };
      expect(await store.deregister(reference)).toMatchObject({ removed: true });
      const refused = /give its role readwrite on the prefix \/weft\//;
      await expect(open().register(describedInstance(), 10)).rejects.toThrow(refused);
      const elsewhere = open('/teams/a').register(describedInstance(), 10);
      await expect(elsewhere).rejects.toThrow(/readwrite on the prefix \/teams\/a\/weft\//);
    });
  });
});
