import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { freePort } from '../../../orchestrator/src/process/ports.ts';
import { serveEcho } from '../../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { watchForOwnStalls } from '../../support/own-stalls.ts';
import { type RegistryProcess, startRegistry } from '../../support/registry-process.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { usersOf } from '../../support/test-mesh.ts';
import { describeWith } from '../../support/tools.ts';

/**
 * Ten minutes, compressed: leases live 2 s in place of 10 s, what is known counts as stale after 600 ms
 * in place of 60 s, and all is down for 8 s: four times the one and thirteen times the other, where ten
 * minutes are sixty times and ten times. Nothing else in the SDK counts the time of an outage; the bench
 * `outage` has the real length. At the end etcd comes back empty.
 */
const TTL_SECONDS = 2;
const DISCOVERY_TTL_MS = 600;
const OUTAGE_MS = 8000;
const PER_SECOND = 50;
/** How long calls and changes may take: a busy machine is no outage. */
const PATIENT_MS = 30_000;

jest.setTimeout(90_000);

let etcd: TestEtcd;
let ports: number[];
let registries: RegistryProcess[] = [];
const meshes: Mesh[] = [];
const cleanup: (() => unknown)[] = [];

async function startRegistries(): Promise<void> {
  registries = ports.map((port) =>
    startRegistry({ flags: ['--etcd', etcd.endpoint, '--port', String(port)] }),
  );
  await Promise.all(registries.map((registry) => registry.ready()));
}

/** Another process, as it were. */
function join(): Mesh {
  const registry = ports.map((port) => `127.0.0.1:${port}`);
  const mesh = createMesh({ registry, discoveryTtlMs: DISCOVERY_TTL_MS });
  meshes.push(mesh);
  return mesh;
}

async function offer(mesh: Mesh, service: string, id: string) {
  const echo = await serveEcho(mesh, id, {
    name: service,
    ttlSeconds: TTL_SECONDS,
    shedding: false,
  });
  cleanup.push(() => echo.host.close());
  await echo.host.registered();
  return echo;
}

describeWith(['etcd', 'etcdctl'], 'a mesh without etcd and without any registry', () => {
  beforeAll(async () => {
    etcd = await createTestEtcd();
    ports = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
    await startRegistries();
  });

  afterAll(async () => {
    for (const undo of cleanup.reverse()) await undo();
    for (const mesh of meshes) mesh.close();
    await Promise.all(registries.map((registry) => registry.end()));
    await etcd.close();
  });

  it('F11, F20: makes every call as before, and is whole again when they are back', async () => {
    const offering = [join(), join(), join()];
    const serve = (mesh: Mesh, index: number) => offer(mesh, 'outlasting', `i${index}`);
    const instances = await Promise.all(offering.map(serve));
    const client = join();
    const discovered = () => client.discover('outlasting');
    await eventually(async () => expect((await discovered()).instances).toHaveLength(3));
    const stalls = watchForOwnStalls();
    cleanup.push(() => stalls.close());
    const users = usersOf(client, 'outlasting');
    const load = callSteadily(PER_SECOND, (report) =>
      users.getUser({ id: 'x' }, { ...report, timeoutMs: PATIENT_MS }),
    );
    cleanup.push(() => load.stop());
    await pause(500);
    const { instances: before } = await discovered();

    await Promise.all([etcd.kill(), ...registries.map((registry) => registry.end())]);
    const downSince = performance.now();
    await pause(OUTAGE_MS / 2);
    expect(await discovered()).toMatchObject({ instances: before, stale: true, kept: 0 });
    // Who has asked about a service is answered; who never has is told that nobody can be asked.
    const stranger = createMesh({ registry: ports.map((port) => `127.0.0.1:${port}`) });
    meshes.push(stranger);
    await expect(stranger.discover('outlasting')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    });
    await pause(Math.max(0, OUTAGE_MS - (performance.now() - downSince)));
    const upAt = performance.now();

    await etcd.start({ wipe: true });
    await startRegistries();
    const leases = new Set(before.map(({ leaseId }) => leaseId));
    await eventually(
      async () => {
        const now = await discovered();
        expect(now.kept).toBe(0);
        const ids = now.instances.map(({ id }) => id).sort();
        expect(ids).toEqual(['i0', 'i1', 'i2']);
        expect(now.instances.some(({ leaseId }) => leases.has(leaseId))).toBe(false);
      },
      { withinMs: PATIENT_MS },
    );
    const keys = await etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/services/outlasting/');
    expect(keys.trim().split(/\s+/)).toHaveLength(3);

    const calls = await load.stop();
    expect(load.failures().filter((call) => !stalls.heldUp(call))).toEqual([]);
    const during = calls.filter(({ at }) => at >= downSince && at < upAt);
    expect(during.length).toBeGreaterThan((PER_SECOND * OUTAGE_MS) / 1000 / 2);
    // All three were called all along.
    expect(new Set(during.map(({ answeredBy }) => answeredBy)).size).toBe(3);
    for (const { calls: count } of instances) expect(count).toBeGreaterThan(calls.length / 10);
  });
});
