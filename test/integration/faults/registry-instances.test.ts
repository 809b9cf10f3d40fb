import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { startInstance } from '../../support/instance-process.ts';
import { RegistryStage } from '../../support/registry-stage.ts';
import { describeWith } from '../../support/tools.ts';

describeWith(['etcd', 'etcdctl'], 'an instance', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it('F26: stands still for 5 s: its lease of the default TTL survives', async () => {
    await using stage = new RegistryStage();
    const service = 'stalled-service';
    const { client, address } = await stage.registry(etcd.endpoint);
    const instance = startInstance(address, service, 'a', 10);
    stage.defer(() => instance.end());
    const watch = stage.follow(client, { service });
    await eventually(() => expect(watch.ids).toEqual(['a']), { withinMs: 20_000 });
    const before = watch.held.get(`${service}/a`)?.leaseId;
    // The process as a whole: to its lease it is the same as an event loop that is busy.
    instance.signal('SIGSTOP');
    await pause(5000);
    instance.signal('SIGCONT');
    const lease = before?.toString(16) ?? '';
    await eventually(async () => {
      const text = await etcd.ctl('lease', 'timetolive', lease);
      expect(Number(/remaining\((\d+)s\)/.exec(text)?.[1])).toBeGreaterThan(8);
    });
    expect(watch.revisions.length).toBeLessThanOrEqual(1);
    expect(watch.held.get(`${service}/a`)?.leaseId).toBe(before);
  }, 40_000);
});
