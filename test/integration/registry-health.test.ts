import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { GrpcServer, ServingStatus, silentLog } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { createServer } from 'nice-grpc';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { type InstanceProcess, startInstance } from '../support/instance-process.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { startRegistry } from '../support/registry-process.ts';
import { describeWith } from '../support/tools.ts';

const { HEALTH_SERVING, HEALTH_NOT_SERVING } = Health;

let etcd: TestEtcd;
let registry: Registry;
let admin: ReturnType<typeof createRegistryClient>;
const cleanup: (() => unknown)[] = [];
const warnings: string[] = [];

async function healthOf(service: string, id: string): Promise<Health | undefined> {
  const { instances } = await admin.client.getService({ service });
  return instances.find((instance) => instance.id === id)?.health;
}

const becomes = (service: string, id: string, health: Health, withinMs = 15_000) =>
  eventually(async () => expect(await healthOf(service, id)).toBe(health), { withinMs });

function join(): Mesh {
  const mesh = createMesh({ registry: registry.address, slowStartMs: 0 });
  cleanup.push(() => mesh.close());
  return mesh;
}

/** A server with the health of its own, and what lists it as instances that are to be checked. */
async function serveMany(service: string, ids: readonly string[]) {
  const server = new GrpcServer({ routes: [] });
  const port = await server.listen('127.0.0.1:0');
  server.health.setAll(ServingStatus.SERVING);
  cleanup.push(() => server.close(0));
  const list = async (over: Partial<Instance> = {}) => {
    for (const id of ids) {
      const address = { host: '127.0.0.1', port };
      const instance = { service, id, address, incarnation: 'first', healthCheck: {}, ...over };
      await admin.client.register({ instance, ttlSeconds: 600 });
      cleanup.push(() => admin.client.deregister({ service, id }));
    }
  };
  return { server, list };
}

function start(service: string, id: string): InstanceProcess {
  const instance = startInstance(registry.address, service, id, 60, { STUB_HEALTH_CHECK: '1' });
  cleanup.push(() => instance.end());
  return instance;
}

describeWith(['etcd', 'etcdctl'], 'an instance whose health the registry checks', () => {
  beforeAll(async () => {
    etcd = await createTestEtcd();
    registry = await createTestRegistry({
      etcd: etcd.endpoint,
      callback: true,
      healthChecks: { intervalMs: 400, timeoutMs: 1000 },
      log: { ...silentLog, warn: (_, message) => void warnings.push(message) },
    });
    admin = createRegistryClient(registry.address);
  });

  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  afterAll(async () => {
    admin.close();
    await registry.close();
    await etcd.close();
  });

  it('F2: leaves the picks while it is frozen, its lease alive, and comes back when it runs on', async () => {
    const frozen = start('frozen', 'a');
    start('frozen', 'b');
    const users = join().client(UserServiceDefinition, { service: 'frozen' });
    const answers = async () => {
      const calls = Array.from({ length: 8 }, () =>
        users.getUser({ id: 'x' }, { timeoutMs: 5000 }),
      );
      return new Set((await Promise.all(calls)).map(({ user }) => user?.name));
    };
    await eventually(async () => expect(await answers()).toEqual(new Set(['a', 'b'])), {
      withinMs: 40_000,
    });
    await becomes('frozen', 'a', HEALTH_SERVING);
    frozen.signal('SIGSTOP');
    await becomes('frozen', 'a', HEALTH_NOT_SERVING);
    const stored = await etcd.ctl('get', '--print-value-only', '/weft/v1/services/frozen/a');
    expect(JSON.parse(stored)).toMatchObject({ status: 'RUNNING', health: 'NOT_SERVING' });
    await eventually(async () => expect(await answers()).toEqual(new Set(['b'])));
    await becomes('frozen', 'b', HEALTH_SERVING);
    frozen.signal('SIGCONT');
    await becomes('frozen', 'a', HEALTH_SERVING);
    await eventually(async () => expect(await answers()).toEqual(new Set(['a', 'b'])), {
      withinMs: 10_000,
    });
  }, 90_000);

  it('is not serving while it says so; what else is changed meanwhile is kept', async () => {
    const { server, list } = await serveMany('honest', ['a']);
    await list();
    await becomes('honest', 'a', HEALTH_SERVING);
    server.health.setAll(ServingStatus.NOT_SERVING);
    await becomes('honest', 'a', HEALTH_NOT_SERVING);
    await admin.client.updateInstance({ service: 'honest', id: 'a', weight: 3 });
    await list({ weight: 4 });
    const { instances } = await admin.client.getService({ service: 'honest' });
    expect(instances[0]).toMatchObject({ weight: 4, health: HEALTH_NOT_SERVING });
    server.health.setAll(ServingStatus.SERVING);
    await becomes('honest', 'a', HEALTH_SERVING);
    // A restart is another process: nothing is known of it yet.
    await list({ incarnation: 'next' });
    await becomes('honest', 'a', HEALTH_SERVING);
  });

  it('is not looked after when it is stopping, nor when it did not ask', async () => {
    const { server, list } = await serveMany('left', ['a']);
    await list();
    await eventually(() => expect(server.inFlight).toBe(1));
    const status = InstanceStatus.INSTANCE_STATUS_STOPPING;
    await admin.client.updateInstance({ service: 'left', id: 'a', status });
    await eventually(() => expect(server.inFlight).toBe(0));
    await list({ healthCheck: undefined, incarnation: 'next' });
    expect(await healthOf('left', 'a')).toBe(Health.HEALTH_UNSPECIFIED);
    expect(server.inFlight).toBe(0);
  });

  it('F19: is not given up when most are silent at once: the registry may be the one cut off', async () => {
    const { server, list } = await serveMany('many', ['a', 'b', 'c']);
    await list();
    for (const id of ['a', 'b', 'c']) await becomes('many', id, HEALTH_SERVING);
    await server.close(0);
    await eventually(() => expect(warnings).toContainEqual(expect.stringMatching(/cut off/)));
    for (const id of ['a', 'b', 'c']) expect(await healthOf('many', id)).toBe(HEALTH_SERVING);
  });

  it('F24: is not listed again by a check that ends after it', async () => {
    const server = createServer();
    const port = await server.listen('127.0.0.1:0');
    const instance = { service: 'gone', id: 'a', address: { host: '127.0.0.1', port } };
    await admin.client.register({ instance: { ...instance, healthCheck: {} }, ttlSeconds: 60 });
    // It offers no health at all: that it answers is enough.
    await becomes('gone', 'a', HEALTH_SERVING);
    const listed = registry.store.catalog.get('gone', 'a');
    if (listed === undefined) throw new Error('it is not listed');
    await admin.client.updateInstance({ service: 'gone', id: 'a', weight: 2 });
    expect(await registry.store.setHealth(listed, HEALTH_NOT_SERVING)).toBe(false);
    expect(registry.store.catalog.get('gone', 'a')).toMatchObject({
      weight: 2,
      health: HEALTH_SERVING,
    });
    const latest = registry.store.catalog.get('gone', 'a');
    await admin.client.deregister({ service: 'gone', id: 'a' });
    expect(latest && (await registry.store.setHealth(latest, HEALTH_NOT_SERVING))).toBe(false);
    expect(await etcd.ctl('get', '/weft/v1/services/gone/a')).toBe('');
    server.forceShutdown();
  });

  it('is checked by one replica, and by another when that one dies', async () => {
    const advertised = 'replica.test:7400';
    const flags = ['--etcd', etcd.endpoint, '--port', '0', '--advertise', advertised];
    const other = startRegistry({ flags });
    cleanup.push(() => other.end());
    await other.ready();
    const replicas = async () =>
      (await etcd.ctl('get', '--prefix', '--print-value-only', '/weft/v1/registries/'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).address)
        .sort();
    const both = [registry.address, advertised].sort();
    await eventually(async () => expect(await replicas()).toEqual(both));
    const ids = Array.from({ length: 8 }, (_, index) => `i${index}`);
    const { server, list } = await serveMany('shared', ids);
    await list();
    for (const id of ids) await becomes('shared', id, HEALTH_SERVING);
    // One watch of the health of each, by whichever replica, once they know of each other.
    await eventually(() => expect(server.inFlight).toBe(ids.length));
    other.child.kill('SIGKILL');
    await eventually(async () => expect(await replicas()).toEqual([registry.address]), {
      withinMs: 12_000,
    });
    await eventually(() => expect(server.inFlight).toBe(ids.length));
    server.health.setAll(ServingStatus.NOT_SERVING);
    for (const id of ids) await becomes('shared', id, HEALTH_NOT_SERVING);
  }, 60_000);
});
