import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { describeWith } from '../support/tools.ts';

const KEYS = '/weft/v1/services/';

let etcd: TestEtcd;
let registry: Registry;
const meshes: Mesh[] = [];
const instances: EchoInstance[] = [];
const proxies: TcpProxy[] = [];

function join(address: string | string[] = registry.address): Mesh {
  // An instance that comes back gets its full share at once, so that calls can be counted.
  const mesh = createMesh({ registry: address, slowStartMs: 0 });
  meshes.push(mesh);
  return mesh;
}

async function serve(
  mesh: Mesh,
  service: string,
  id: string,
  ttlSeconds = 2,
): Promise<EchoInstance> {
  const echo = await serveEcho(mesh, id, { name: service, ttlSeconds });
  instances.push(echo);
  await echo.host.registered();
  return echo;
}

async function keysOf(service: string): Promise<string[]> {
  const text = await etcd.ctl('get', '--prefix', '--keys-only', `${KEYS}${service}/`);
  return text.split('\n').filter((line) => line !== '');
}

async function discovered(mesh: Mesh, service: string): Promise<readonly Instance[]> {
  return (await mesh.discover(service)).instances;
}

describeWith(['etcd', 'etcdctl'], 'an offered service', () => {
  beforeAll(async () => {
    etcd = await createTestEtcd();
    registry = await createTestRegistry({ etcd: etcd.endpoint });
  });

  afterAll(async () => {
    await Promise.all(instances.map(({ host }) => host.close()));
    for (const mesh of meshes) mesh.close();
    for (const proxy of proxies) await proxy.close();
    await registry.close();
    await etcd.close();
  });

  it.concurrent('is a readable key on its own lease, and leaves none when it closes', async () => {
    const mesh = join();
    const { host } = await serve(mesh, 'kept', 'a');
    const value = await etcd.ctl('get', '--print-value-only', `${KEYS}kept/a`);
    expect(JSON.parse(value)).toMatchObject({ service: 'kept', id: 'a', status: 'RUNNING' });
    const leaseId = host.instance.leaseId.toString(16);
    expect(await etcd.ctl('lease', 'timetolive', leaseId, '--keys')).toContain(`${KEYS}kept/a`);
    await host.close();
    expect(await keysOf('kept')).toEqual([]);
    expect(await etcd.ctl('lease', 'list')).not.toContain(leaseId);
  });

  it.concurrent('stays listed well past its TTL', async () => {
    const mesh = join();
    const { host } = await serve(mesh, 'lasting', 'a');
    const { leaseId } = host.instance;
    const end = performance.now() + 4500;
    while (performance.now() < end) {
      const [instance] = await discovered(mesh, 'lasting');
      expect(instance?.leaseId).toBe(leaseId);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it.concurrent.each([
    ['its key is deleted', (key: string) => ['del', `${KEYS}${key}`]],
    ['its lease is revoked', (_key: string, lease: string) => ['lease', 'revoke', lease]],
  ])(
    'leaves the picks within a second when %s, and comes back by itself',
    async (what, command) => {
      const id = what.includes('key') ? 'deleted' : 'revoked';
      const service = `${id}-service`;
      const mesh = join();
      const { host } = await serve(mesh, service, id);
      await eventually(async () => expect(await discovered(mesh, service)).toHaveLength(1));
      const before = host.instance.leaseId;
      await etcd.ctl(...command(`${service}/${id}`, before.toString(16)));
      const seen = async () => {
        const now = await discovered(mesh, service);
        // Gone, or already back under a new lease.
        expect(now.map(({ leaseId }) => leaseId)).not.toContain(before);
      };
      await eventually(seen, { withinMs: 1000 });
      await eventually(async () => {
        const [back] = await discovered(mesh, service);
        expect(back).toMatchObject({ id, status: InstanceStatus.INSTANCE_STATUS_RUNNING });
        expect(back?.leaseId).not.toBe(before);
      });
      // It knows its new lease, so that it can deregister it.
      await host.close();
      expect(await keysOf(service)).toEqual([]);
    },
  );

  it.concurrent('gets no call from any client within a second of the loss of its key, then calls again', async () => {
    const offering = join();
    const a = await serve(offering, 'unpicked', 'a', 10);
    await serve(offering, 'unpicked', 'b', 10);
    const clients = [join(), join(), join()].map((mesh) =>
      mesh.client(UserServiceDefinition, { service: 'unpicked' }),
    );
    const everyoneCalls = async () => {
      a.calls = 0;
      for (let i = 0; i < 4; i += 1) {
        await Promise.all(clients.map((users) => users.getUser({ id: 'x' })));
      }
      return a.calls;
    };
    const isPickedByAll = async () => expect(await everyoneCalls()).toBe(6);
    await eventually(isPickedByAll);
    await etcd.ctl('del', `${KEYS}unpicked/a`);
    await eventually(async () => expect(await everyoneCalls()).toBe(0), { withinMs: 1000 });
    await eventually(isPickedByAll);
  });

  it.concurrent('is registered once the registry, away when it started, is there', async () => {
    const port = await freePort('127.0.0.1');
    const mesh = join(`127.0.0.1:${port}`);
    const echo = await serveEcho(mesh, 'a', { name: 'early' });
    instances.push(echo);
    expect(echo.host.status).toBe('RUNNING');
    const late = await createTestRegistry({ port });
    try {
      await echo.host.registered();
      await echo.host.close();
    } finally {
      mesh.close();
      await late.close();
    }
  });

  it.concurrent('is listed as it last was marked, also when it was marked while it registered', async () => {
    const mesh = join();
    const echo = await serveEcho(mesh, 'a', { name: 'marked' });
    instances.push(echo);
    await echo.host.markError('not yet');
    await echo.host.markError('still not');
    const { INSTANCE_STATUS_ERROR, INSTANCE_STATUS_RUNNING } = InstanceStatus;
    const listedAs = async (status: InstanceStatus) => {
      expect((await discovered(mesh, 'marked')).map((each) => each.status)).toEqual([status]);
    };
    await eventually(() => listedAs(INSTANCE_STATUS_ERROR));
    await echo.host.markRunning();
    await eventually(() => listedAs(INSTANCE_STATUS_RUNNING));
  });

  it.concurrent('says so when the registry refuses what it is', async () => {
    const labels = Array.from({ length: 20 }, (_, index) => [`label-${index}`, 'x'.repeat(4096)]);
    const metadata = Object.fromEntries(labels);
    const echo = await serveEcho(join(), 'a', { name: 'refused', metadata });
    instances.push(echo);
    await expect(echo.host.registered()).rejects.toThrow(/INVALID_ARGUMENT.*instance\.metadata/);
  });

  it.concurrent('D4: is called at the advertised port, behind which the port it listens on stands', async () => {
    const port = await freePort('127.0.0.1');
    // As a container's published port, it leads to the port that the service listens on.
    const published = await createTcpProxy(`127.0.0.1:${port}`);
    proxies.push(published);
    const advertisePort = Number(published.address.split(':').at(-1));
    const mesh = join();
    const echo = await serveEcho(mesh, 'a', { name: 'published', port, advertisePort });
    instances.push(echo);
    expect(echo.host.address).toBe(published.address);
    await echo.host.registered();
    const [listed] = await discovered(mesh, 'published');
    expect(listed?.address).toEqual({ host: '127.0.0.1', port: advertisePort });
    const users = join().client(UserServiceDefinition, { service: 'published' });
    await users.getUser({ id: 'x' });
    expect(published.passed('toServer')).toBeGreaterThan(0);
  });

  it.concurrent('F30: leaves no key when it is closed before its registration is answered', async () => {
    const mesh = join();
    const echo = await serveEcho(mesh, 'a', { name: 'hasty' });
    await echo.host.close();
    expect(await keysOf('hasty')).toEqual([]);
  });

  it.concurrent('F14: registers again with a registry that has restarted and forgotten everything', async () => {
    const port = await freePort('127.0.0.1');
    let memory = await createTestRegistry({ port });
    const mesh = join(`127.0.0.1:${port}`);
    const caller = join(`127.0.0.1:${port}`);
    const echo = await serve(mesh, 'forgotten', 'a');
    const users = caller.client(UserServiceDefinition, { service: 'forgotten' });
    await users.getUser({ id: 'x' });
    const before = echo.host.instance.leaseId;
    await memory.close();
    // Calls go on while there is no registry, and while a new one knows nothing yet.
    expect((await caller.discover('forgotten')).instances).toHaveLength(1);
    await users.getUser({ id: 'x' });
    memory = await createTestRegistry({ port });
    try {
      await eventually(async () => {
        await users.getUser({ id: 'x' });
        expect(memory.store.catalog.revision > 0n && echo.host.instance.leaseId !== before).toBe(
          true,
        );
      });
      await eventually(async () => {
        const [instance] = await discovered(caller, 'forgotten');
        expect(instance?.leaseId).toBe(echo.host.instance.leaseId);
      });
      await echo.host.close();
      mesh.close();
      caller.close();
    } finally {
      await memory.close();
    }
  });

  it.concurrent('F20: goes on through another replica when its own dies', async () => {
    const replicas = [
      await createTestRegistry({ etcd: etcd.endpoint }),
      await createTestRegistry({ etcd: etcd.endpoint }),
    ];
    const addresses = replicas.map(({ address }) => address);
    const mesh = join(addresses);
    const echo = await serve(mesh, 'roaming', 'a');
    const before = echo.host.instance.leaseId;
    const caller = join(addresses);
    expect(await discovered(caller, 'roaming')).toHaveLength(1);
    // Whichever of the two each uses, both have to get by on the one that is left.
    await replicas[0]?.close();
    const end = performance.now() + 3000;
    while (performance.now() < end) {
      const [instance] = await discovered(caller, 'roaming');
      expect(instance?.leaseId).toBe(before);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await keysOf('roaming')).toHaveLength(1);
    await echo.host.close();
    expect(await keysOf('roaming')).toEqual([]);
    mesh.close();
    caller.close();
    await replicas[1]?.close();
  });
});
