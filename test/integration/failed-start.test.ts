import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh, type ServeOptions } from '@weft/client-sdk';
import { GrpcServer, route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { createRegistry, MemoryStore, type RegistryOptions } from '@weft/registry';
import { objectsLeft } from '../support/collected-objects.ts';

/** Failed starts of each kind. What the last one leaves may be on the stack of the test still. */
const STARTS = 10;
const MAX_LEFT = 2;

let holder: Server;
let takenPort: number;
let mesh: Mesh;

beforeAll(async () => {
  holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  takenPort = (holder.address() as { port: number }).port;
  mesh = createMesh({ registry: '127.0.0.1:1' });
});
afterAll(async () => {
  mesh.close();
  await new Promise((resolve) => holder.close(resolve));
});

function userRoute() {
  return route(UserServiceDefinition, {
    getUser: async () => ({}),
    createUser: async () => ({}),
    listUsers: async () => ({ users: [] }),
  });
}

/** Fails to start many times. @returns how many of the failed starts are still held in memory */
async function startsHeld(
  start: () => { held: object; started: Promise<unknown> },
): Promise<number> {
  const held: WeakRef<object>[] = [];
  for (let index = 0; index < STARTS; index += 1) {
    const attempt = start();
    held.push(new WeakRef(attempt.held));
    await expect(attempt.started).rejects.toThrow();
  }
  return objectsLeft(held);
}

const noHost = '192.0.2.1';
const failedServes: Record<string, () => Partial<ServeOptions>> = {
  'a port that is taken': () => ({ port: takenPort }),
  'a metrics port that is taken': () => ({ metricsPort: takenPort }),
  'a host that is not of this machine': () => ({ host: noHost }),
  'a port of both': () => ({ port: takenPort, metricsPort: takenPort }),
};

describe('a mesh that is closed while a service starts', () => {
  it('serves nothing: mesh.serve rejects and the port is free again', async () => {
    const closing = createMesh({ registry: '127.0.0.1:1' });
    const freed = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });
    const serving = closing.serve({
      name: 'user-service',
      routes: [userRoute()],
      handleSignals: false,
      port: freed,
    });
    closing.close();
    const outcome = await serving.then(
      (host) => host.close().then(() => 'served'),
      (error) => error.code,
    );
    expect(outcome).toBe('MESH_CLOSED');
    const again = createServer();
    await new Promise<void>((resolve, reject) => {
      again.once('error', reject).listen(freed, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => again.close(resolve));
  });
});

describe('a start that fails leaves nothing in memory', () => {
  it.each(Object.entries(failedServes))('mesh.serve with %s', async (_, options) => {
    const left = await startsHeld(() => {
      const held = userRoute();
      const serve = { name: 'user-service', routes: [held], handleSignals: false, ...options() };
      return { held: held.implementation as object, started: mesh.serve(serve) };
    });
    expect(left).toBeLessThanOrEqual(MAX_LEFT);
  });

  it('a gRPC server whose address cannot be parsed', async () => {
    const left = await startsHeld(() => {
      const held = userRoute();
      const server = new GrpcServer({ routes: [held] });
      return { held: held.implementation as object, started: server.listen('') };
    });
    expect(left).toBeLessThanOrEqual(MAX_LEFT);
  });

  const failedRegistries: Record<string, () => RegistryOptions> = {
    'a port that is taken': () => ({ port: takenPort }),
    'an HTTP port that is taken': () => ({ port: 0, httpPort: takenPort }),
    'a host that is not of this machine': () => ({ port: 0, host: noHost }),
  };
  it.each(Object.entries(failedRegistries))('a registry with %s', async (_, options) => {
    const left = await startsHeld(() => {
      const store = new MemoryStore();
      return { held: store, started: createRegistry({ store, ...options() }) };
    });
    expect(left).toBeLessThanOrEqual(MAX_LEFT);
  });
});
