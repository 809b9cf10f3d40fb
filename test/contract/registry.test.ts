import { afterAll, beforeAll } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { createTestRegistry } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';
import { describeLarge } from './registry-large-suite.ts';
import { describeReads } from './registry-reads-suite.ts';
import { describeWrites } from './registry-writes-suite.ts';

describeWrites('memory', () => createTestRegistry());
describeReads('memory', () => createTestRegistry());
describeLarge('memory', () => createTestRegistry());

describeWith(['etcd', 'etcdctl'], 'on a real etcd', () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  const create = () => createTestRegistry({ etcd: etcd.endpoint });
  describeWrites('etcd', create);
  describeReads('etcd', create);
  describeLarge('etcd', async () => {
    await etcd.ctl('del', '--prefix', '/weft/v1/services/');
    return create();
  });
});
