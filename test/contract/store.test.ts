import { afterAll, beforeAll } from '@jest/globals';
import { EtcdStore, MemoryStore } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { describeWith } from '../support/tools.ts';
import { describeStore } from './store-suite.ts';

describeStore('memory', async () => new MemoryStore());

describeWith(['etcd', 'etcdctl'], 'on a real etcd', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  describeStore('etcd', async () => new EtcdStore({ endpoints: [etcd.endpoint] }));
});
