import { afterAll, beforeAll } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { createTestRegistry } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';
import { describeMany } from './registry-many-suite.ts';

describeMany('memory', () => createTestRegistry());

describeWith(['etcd', 'etcdctl'], 'on a real etcd', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  describeMany('etcd', () => createTestRegistry({ etcd: etcd.endpoint }));
});
