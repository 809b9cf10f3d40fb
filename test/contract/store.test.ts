import { afterAll, beforeAll, describe } from '@jest/globals';
import { EtcdStore, MemoryStore } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { describeStore } from './store-suite.ts';

describeStore('memory', async () => new MemoryStore());

describe('on a real etcd', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  describeStore('etcd', async () => new EtcdStore({ endpoints: [etcd.endpoint] }));
});
