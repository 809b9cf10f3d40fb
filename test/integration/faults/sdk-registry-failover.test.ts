import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { type EchoInstance, serveEcho } from '../../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { type RegistryProcess, startRegistry } from '../../support/registry-process.ts';
import { describeWith } from '../../support/tools.ts';

const SERVICES = Array.from({ length: 6 }, (_, index) => `followed-${index}`);
/** Processes, as it were: each spreads over the replicas by chance. */
const MESHES = 8;
/** Long enough for a busy machine to renew in time. */
const TTL_SECONDS = 5;

let etcd: TestEtcd;
const replicas: { address: string; process: RegistryProcess }[] = [];
const meshes: Mesh[] = [];
const instances: EchoInstance[] = [];

async function addReplica(): Promise<void> {
  const process = startRegistry({ flags: ['--etcd', etcd.endpoint, '--port', '0'] });
  replicas.push({ address: await process.ready(), process });
}

/** What every mesh knows of every service: ids and leases. */
async function known(): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const mesh of meshes) {
    const snapshots = await Promise.all(SERVICES.map((service) => mesh.discover(service)));
    const all = snapshots.flatMap((snapshot) => snapshot.instances);
    seen.add(all.map(({ service, id, leaseId }) => `${service}/${id} ${leaseId}`).join(', '));
  }
  return seen;
}

async function serve(mesh: Mesh, service: string, id: string) {
  const echo = await serveEcho(mesh, id, { name: service, ttlSeconds: TTL_SECONDS });
  instances.push(echo);
  await echo.host.registered();
}

describeWith(['etcd', 'etcdctl'], 'two registries, one of which is killed', () => {
  beforeAll(async () => {
    etcd = await createTestEtcd();
    await Promise.all([addReplica(), addReplica()]);
    const registry = replicas.map(({ address }) => address);
    for (let count = 0; count < MESHES; count += 1) meshes.push(createMesh({ registry }));
    await Promise.all(
      SERVICES.map((service, index) => serve(meshes[index] as Mesh, service, `first-${index}`)),
    );
    await eventually(async () => expect((await known()).size).toBe(1));
  });

  afterAll(async () => {
    await Promise.all(instances.map(({ host }) => host.close()));
    for (const mesh of meshes) mesh.close();
    await Promise.all(replicas.map(({ process }) => process.end()));
    await etcd.close();
  });

  it('F20: leases live on and watches go on at the other', async () => {
    const before = await known();
    expect(before.size).toBe(1);
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const kept: unknown[] = [];
    for (const { events } of meshes) events.on('snapshotKept', (event) => kept.push(event));
    await replicas[0]?.process.end();
    // Nobody misses a renewal, and no watch ever tells of fewer, or of others.
    const end = performance.now() + 1100 * TTL_SECONDS;
    while (performance.now() < end) {
      expect(await known()).toEqual(before);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
    expect(kept).toEqual([]);
    // What changes now is told to everyone, by the replica that is left.
    await Promise.all(
      SERVICES.map((service, index) => serve(meshes[index] as Mesh, service, 'late')),
    );
    await eventually(async () => {
      const now = await known();
      expect(now.size).toBe(1);
      expect([...now][0]?.match(/\/late /g)).toHaveLength(SERVICES.length);
    });
  });
});
