import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { startInstance } from '../../support/instance-process.ts';
import { RegistryStage } from '../../support/registry-stage.ts';
import { answeredSince, callSteadily } from '../../support/steady-calls.ts';
import { usersOf } from '../../support/test-mesh.ts';
import { describeWith } from '../../support/tools.ts';

describeWith(['etcd', 'etcdctl'], 'an instance', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it.concurrent('F26: stands still for 5 s: its lease of the default TTL survives', async () => {
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

  it.concurrent('F22: dead and still listed: gets no calls, as clients see it before the registry', async () => {
    await using stage = new RegistryStage();
    const service = 'backlog-service';
    const { client, address } = await stage.registry(etcd.endpoint);
    // A lease so long that the registry says nothing, as with a backlog of leases to revoke.
    const dead = startInstance(address, service, 'dead', 60);
    stage.defer(() => dead.end());
    const live = await stage.serve(address, 'live', { service });
    const users = usersOf(stage.mesh(address), service);
    const watch = stage.follow(client, { service });
    const withinMs = 20_000;
    await eventually(() => expect(watch.ids).toEqual(['dead', 'live']), { withinMs });
    const calls = callSteadily(100, (report) => users.getUser({ id: 'x' }, report));
    stage.defer(() => calls.stop());
    await eventually(() => {
      expect([...answeredSince(calls, 0).keys()].sort()).toEqual(['dead', 'live']);
    });
    await dead.end();
    const deadAt = performance.now();
    await pause(1500);
    const all = await calls.stop();
    expect(watch.ids).toEqual(['dead', 'live']);
    expect(calls.failures()).toEqual([]);
    const late = all.filter(({ at }) => at > deadAt + 500);
    expect(late.length).toBeGreaterThan(50);
    const attempts = late.flatMap(({ report }) => report?.attempts ?? []);
    expect(attempts.filter(({ instance }) => instance === 'dead')).toEqual([]);
    expect(live.calls).toBeGreaterThan(50);
  }, 40_000);
});
