import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { expectFaithful } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { type RegistryProcess, startRegistry } from '../../support/registry-process.ts';
import { RegistryStage, registrationOf } from '../../support/registry-stage.ts';
import { withoutStacks } from '../../support/stackless-errors.ts';
import { describeWith } from '../../support/tools.ts';
import type { WatchRecorder } from '../../support/watch-recorder.ts';

withoutStacks();

const CONNECTIONS = 25;
const WATCHES = 20;

describeWith(['etcd', 'etcdctl'], 'a crowd', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it('F20: 500 watches reconnect at once after a restart: each has the right set, none misses a change', async () => {
    await using stage = new RegistryStage();
    const service = 'crowded-service';
    let replica: RegistryProcess | undefined;
    stage.defer(() => replica?.end());
    const run = async (port: number) => {
      replica = startRegistry({ flags: ['--port', `${port}`, '--etcd', etcd.endpoint] });
      return replica.ready();
    };
    const address = await run(0);
    const other = await stage.registry(etcd.endpoint);
    for (const id of ['a', 'b', 'c']) await other.client.register(registrationOf(id, { service }));
    const watches: WatchRecorder[] = [];
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const client = stage.client(address);
      for (let index = 0; index < WATCHES; index += 1) {
        // Less would be spent on attempts that fail.
        watches.push(stage.follow(client, { service, resumes: true, backoffMs: 1000 }));
      }
    }
    const setsSeen = () => [...new Set(watches.map(({ ids }) => ids.join()))];
    const withinMs = 40_000;
    await eventually(() => expect(setsSeen()).toEqual(['a,b,c']), { withinMs });
    await replica?.end();
    await other.client.register(registrationOf('d', { service }));
    await run(Number(address.split(':')[1]));
    const readyAt = performance.now();
    await eventually(() => expect(setsSeen()).toEqual(['a,b,c,d']), { withinMs });
    expect(performance.now() - readyAt).toBeLessThan(withinMs);
    await other.client.deregister({ service, id: 'a' });
    await eventually(() => expect(setsSeen()).toEqual(['b,c,d']), { withinMs });
    for (const watch of watches) {
      // Once cut off, once told the set anew, and every change after it once.
      expect(watch.stretches.map(({ changes }) => changes.length)).toEqual([0, 1]);
      expect(Math.min(...watch.sizes)).toBe(3);
    }
  }, 120_000);

  it('F15: a mass loss of leases is told as it is, each once; all that live are back', async () => {
    await using stage = new RegistryStage();
    const service = 'massive-service';
    const { client, address } = await stage.registry(etcd.endpoint);
    const ids = Array.from({ length: 20 }, (_, index) => `i${index}`.padEnd(4, 'x'));
    const instances = await Promise.all(
      ids.map((id) => stage.serve(address, id, { service, ttlSeconds: 10 })),
    );
    await client.register(registrationOf('dead', { service }));
    const watch = stage.follow(client, { service });
    await eventually(() => expect(watch.ids).toEqual(['dead', ...ids].sort()));
    const leases = [...watch.held.values()].map(({ leaseId }) => leaseId.toString(16));
    await Promise.all(leases.map((lease) => etcd.ctl('lease', 'revoke', lease)));
    await eventually(() => expect(watch.ids).toEqual([...ids].sort()));
    await expectFaithful(watch, etcd);
    const [{ changes } = { changes: [] }, ...more] = watch.stretches;
    expect(more).toEqual([]);
    expect(changes.filter((text) => text.startsWith('DELETE'))).toHaveLength(21);
    expect(changes.filter((text) => text.startsWith('PUT'))).toHaveLength(20);
    for (const { host } of instances) {
      const { id, leaseId } = host.instance;
      expect(watch.held.get(`${service}/${id}`)?.leaseId).toBe(leaseId);
    }
  });
});
