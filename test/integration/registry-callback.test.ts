import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { GrpcServer, route, ServingStatus, silentLog } from '@weft/proto';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { createServer } from 'nice-grpc';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { failureOf } from '../support/services.ts';
import { createSilentServer } from '../support/silent-server.ts';

let registry: Registry;
let admin: ReturnType<typeof createRegistryClient>;
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await createTestRegistry({ callback: true });
  admin = createRegistryClient(registry.address);
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

afterAll(async () => {
  admin.close();
  await registry.close();
});

const handlers = {
  getUser: async () => ({ user: undefined }),
  createUser: async () => ({ user: undefined }),
  listUsers: async () => ({ users: [], nextPageToken: '' }),
};

/** A server as every Weft process runs it. Answers it and its port. */
async function serve(identity?: { service: string; instanceId: string; incarnation: string }) {
  const server = new GrpcServer({
    routes: [route(UserServiceDefinition, handlers)],
    ...(identity && { identity: () => identity }),
  });
  const port = await server.listen('127.0.0.1:0');
  cleanup.push(() => server.close(0));
  return { server, port };
}

/** Registers an instance, and sees to it that it is listed then. */
async function register(
  port: number,
  over: Parameters<typeof admin.client.register>[0]['instance'] = {},
) {
  const instance = { service: 'called', id: 'a', address: { host: '127.0.0.1', port }, ...over };
  const registered = await admin.client.register({ instance, ttlSeconds: 60 });
  const { instances } = await admin.client.getService({ service: instance.service });
  expect(instances).toMatchObject([{ id: instance.id, address: { port } }]);
  return registered;
}

async function refusalOf(port: number, over = {}): Promise<string> {
  const refused = await register(port, over).then(
    () => 'listed',
    (error: Error) => error.message,
  );
  expect(registry.store.catalog.instances('called')).toEqual([]);
  return refused;
}

describe('an instance that is called back', () => {
  afterEach(async () => {
    await admin.client.deregister({ service: 'called', id: 'a' });
  });

  it('is not listed where nobody listens, and is told what to do', async () => {
    const port = await freePort('127.0.0.1');
    expect(await failureOf(register(port))).toEqual({
      code: 'FAILED_PRECONDITION',
      reason: 'CALLBACK_FAILED',
    });
    expect(await refusalOf(port)).toMatch(
      new RegExp(`127.0.0.1:${port} refused the connection; check.*once it listens.*skip_callback`),
    );
  });

  it('is not listed where somebody takes connections and says nothing', async () => {
    const silent = await createSilentServer();
    cleanup.push(() => silent.close());
    const startedAt = performance.now();
    expect(await refusalOf(silent.port)).toMatch(/did not answer within 2000 ms/);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('is not listed until it serves, as a whole or the service it names', async () => {
    const { server, port } = await serve();
    expect(await refusalOf(port)).toMatch(/says NOT_SERVING/);
    server.health.set('', ServingStatus.SERVING);
    const healthCheck = { service: 'user.v1.UserService' };
    expect(await refusalOf(port, { healthCheck })).toMatch(/says NOT_SERVING/);
    const unknown = { healthCheck: { service: 'user.v2.UserService' } };
    expect(await refusalOf(port, unknown)).toMatch(/knows no service 'user.v2.UserService'/);
    server.health.setAll(ServingStatus.SERVING);
    await register(port, { healthCheck });
  });

  it('F5: is not listed where somebody else answers', async () => {
    const { server, port } = await serve({ service: 'other', instanceId: 'b', incarnation: 'x' });
    server.health.setAll(ServingStatus.SERVING);
    expect(await refusalOf(port)).toMatch(/is somebody else: other\/b/);
    const { server: own, port: ownPort } = await serve({
      service: 'called',
      instanceId: 'a',
      incarnation: 'x',
    });
    own.health.setAll(ServingStatus.SERVING);
    await register(ownPort);
  });

  it('is listed when it answers by gRPC and offers no health', async () => {
    const server = createServer();
    server.add(UserServiceDefinition, handlers);
    const port = await server.listen('127.0.0.1:0');
    cleanup.push(() => server.forceShutdown());
    await register(port);
  });

  it('need only take connections if it is a store, a cache or a queue', async () => {
    const silent = await createSilentServer();
    cleanup.push(() => silent.close());
    const type = InstanceType.INSTANCE_TYPE_CACHE;
    await register(silent.port, { type });
    await admin.client.deregister({ service: 'called', id: 'a' });
    const port = await freePort('127.0.0.1');
    expect(await refusalOf(port, { type })).toMatch(/refused the connection/);
  });

  it('is called when it is news only, and not when it asks not to be', async () => {
    const silent = await createSilentServer();
    cleanup.push(() => silent.close());
    const type = InstanceType.INSTANCE_TYPE_DATABASE;
    const asListed = { type, incarnation: 'one' };
    await register(silent.port, asListed);
    await register(silent.port, { ...asListed, weight: 2 });
    expect(silent.connections).toBe(1);
    await register(silent.port, { ...asListed, incarnation: 'two' });
    expect(silent.connections).toBe(2);
    await admin.client.deregister({ service: 'called', id: 'a' });
    const status = InstanceStatus.INSTANCE_STATUS_STARTING;
    await register(silent.port, { ...asListed, status });
    expect(silent.connections).toBe(2);
    await register(silent.port, asListed);
    expect(silent.connections).toBe(3);
    const port = await freePort('127.0.0.1');
    const instance = { service: 'called', id: 'b', address: { host: '127.0.0.1', port } };
    await admin.client.register({ instance, skipCallback: true });
    await admin.client.deregister({ service: 'called', id: 'b' });
  });
});

it('a service whose address is wrong says why it is not listed, and tries until it is', async () => {
  const reasons: string[] = [];
  const log = {
    ...silentLog,
    warn: (fields: { error?: string }) => void reasons.push(fields.error ?? ''),
  };
  const mesh = createMesh({ registry: registry.address, log });
  cleanup.push(() => mesh.close());
  const type = InstanceType.INSTANCE_TYPE_API;
  const echo = await serveEcho(mesh, 'a', { name: 'patient', type });
  cleanup.push(() => echo.host.close());
  await echo.host.registered();
  await echo.host.close();

  // 127.0.0.2 is this machine too, and nobody listens there.
  const lost = await serveEcho(mesh, 'b', { name: 'patient', advertiseHost: '127.0.0.2' });
  cleanup.push(() => lost.host.close());
  const refusals = () => reasons.filter((reason) => /127\.0\.0\.2:\d+ refused/.test(reason));
  await eventually(() => expect(refusals().length).toBeGreaterThan(1), { withinMs: 15_000 });
  const late = new GrpcServer({ routes: [] });
  const { address } = lost.host.instance;
  await late.listen(`127.0.0.2:${address?.port}`);
  cleanup.push(() => late.close(0));
  late.health.setAll(ServingStatus.SERVING);
  await lost.host.registered();
});
