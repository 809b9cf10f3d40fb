import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { metricsAt } from '../support/metrics.ts';
import { describeWith } from '../support/tools.ts';

describeWith(['etcd'], 'streams to etcd', () => {
  let etcd: TestEtcd;
  let client: EtcdClient;

  beforeAll(async () => {
    etcd = await createTestEtcd();
    client = new EtcdClient([etcd.endpoint]);
  });
  afterAll(async () => {
    client.close();
    await etcd.close();
  });

  /** Streams of a method that are open now, as etcd itself counts them. */
  async function openStreams(method: string): Promise<number> {
    const metrics = await metricsAt(etcd.endpoint);
    const total = (name: string) =>
      [...metrics]
        .filter(([key]) => key.startsWith(`${name}{`) && key.includes(`grpc_method="${method}"`))
        .reduce((sum, [, value]) => sum + value, 0);
    return total('grpc_server_started_total') - total('grpc_server_handled_total');
  }

  it('of renewals end at etcd when they are closed', async () => {
    const leaseId = 77n;
    await client.grant(leaseId, 60);
    const renewed: bigint[] = [];
    const stream = client.keepAlive({
      renewed: (id) => renewed.push(id),
      ended: () => renewed.push(-1n),
    });
    stream.renew(leaseId);
    await eventually(() => expect(renewed).toEqual([leaseId]));
    expect(await openStreams('LeaseKeepAlive')).toBe(1);
    stream.close();
    await eventually(async () => expect(await openStreams('LeaseKeepAlive')).toBe(0));
    expect(renewed).toEqual([leaseId]);
  });

  it('of watches end at etcd when they are cancelled', async () => {
    let isCreated = false;
    const ends: string[] = [];
    const cancel = await client.watch('/weft/', 1n, {
      created: () => {
        isCreated = true;
      },
      changed: () => {},
      ended: ({ message }) => ends.push(message),
    });
    await eventually(() => expect(isCreated).toBe(true));
    expect(await openStreams('Watch')).toBe(1);
    cancel();
    await eventually(async () => expect(await openStreams('Watch')).toBe(0));
    expect(ends).toEqual([]);
  });
});
