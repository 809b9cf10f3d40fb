import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { type EchoInstance, serveEcho } from '../../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../../support/registry.ts';
import { type RegistryProcess, startRegistry } from '../../support/registry-process.ts';
import { describeWith } from '../../support/tools.ts';

jest.setTimeout(90_000);

const SERVICES = Array.from({ length: 6 }, (_, index) => `followed-${index}`);
/** Processes, as it were: each spreads over the replicas by chance. */
const MESHES = 8;

let etcd: TestEtcd;
const replicas: { address: string; process: RegistryProcess }[] = [];
const meshes: Mesh[] = [];
const instances: EchoInstance[] = [];

async function addReplica(): Promise<void> {
  const process = startRegistry({ flags: ['--etcd', etcd.endpoint, '--port', '0'] });
  const replica = { address: '', process };
  replicas.push(replica);
  replica.address = await process.ready();
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

/** When etcd will end a lease unless it is renewed, to the second, on the monotonic clock in ms. */
async function expiryOf(leaseId: bigint): Promise<number> {
  const text = await etcd.ctl('lease', 'timetolive', leaseId.toString(16));
  const [, left] = /remaining\((\d+)s\)/.exec(text) ?? [];
  return performance.now() + Number(left) * 1000;
}

async function serve(mesh: Mesh, service: string, id: string) {
  const echo = await serveEcho(mesh, id, { name: service, ttlSeconds: 10 });
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
    const seen = new Set<string>();
    const kept: unknown[] = [];
    for (const { events } of meshes) events.on('snapshotKept', (event) => kept.push(event));
    await replicas[0]?.process.end();
    const dueAt = await Promise.all(leases.map(expiryOf));
    // No watch ever tells of fewer, or of others, and every lease is renewed.
    await eventually(
      async () => {
        for (const told of await known()) seen.add(told);
        const now = await Promise.all(leases.map(expiryOf));
        for (const [index, due] of dueAt.entries()) expect(now[index]).toBeGreaterThan(due + 1500);
      },
      { withinMs: 20_000 },
    );
    expect(seen).toEqual(before);
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

/** Stands before a registry and counts connections; while `isShut` it cuts each at once. */
async function createGate(registry: string) {
  const [host, port] = registry.split(':');
  const sockets = new Set<Socket>();
  const gate = { address: '', accepted: 0, isShut: false, cut, close };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = createServer((inbound) => {
    gate.accepted += 1;
    if (gate.isShut) return void inbound.destroy();
    const outbound = connect(Number(port), host);
    keep(inbound);
    keep(outbound);
    inbound.pipe(outbound).pipe(inbound);
  });
  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }
  async function close(): Promise<void> {
    cut();
    await new Promise((resolve) => server.close(resolve));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  gate.address = `127.0.0.1:${address.port}`;
  return gate;
}

describe('a process that follows fifty services', () => {
  it('F20, F21: tries no oftener than if it followed one, and comes back over one connection', async () => {
    const registry = await createTestRegistry();
    const admin = createRegistryClient(registry.address);
    const gate = await createGate(registry.address);
    const mesh = createMesh({ registry: gate.address });
    const services = Array.from({ length: 50 }, (_, index) => `many-${index}`);
    try {
      await Promise.all(services.map((service) => mesh.discover(service)));
      expect(gate.accepted).toBe(1);
      gate.isShut = true;
      gate.cut();
      await pause(3000);
      // One who waits 0.1 s, half as much again each time and 0.5 s at most, each a fifth less by chance, tries eleven
      // times in 3 s. Fifty of them would try five hundred times.
      expect(gate.accepted).toBeLessThan(20);
      gate.isShut = false;
      gate.accepted = 0;
      const address = { host: '127.0.0.1', port: 9 };
      const register = (service: string) =>
        admin.client.register({ instance: { service, id: 'a', address }, skipCallback: true });
      await Promise.all(services.map(register));
      await eventually(
        async () => {
          const all = await Promise.all(services.map((service) => mesh.discover(service)));
          for (const { instances } of all) expect(instances).toHaveLength(1);
        },
        { withinMs: 30_000 },
      );
      // One, but for tries that a busy machine took too long for.
      expect(gate.accepted).toBeLessThan(10);
    } finally {
      mesh.close();
      admin.close();
      await gate.close();
      await registry.close();
    }
  });
});
