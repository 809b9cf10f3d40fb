import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { clientTransport, route } from '@weft/proto';
import { GetUserResponse, UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import type { CallContext } from 'nice-grpc';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { startPingPolice } from '../support/ping-police.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';

let registry: Registry;
let mesh: Mesh;
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

afterAll(async () => {
  mesh.close();
  await registry.close();
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('the age of connections', () => {
  it('F27: calls in flight finish and none fails, retried or not, while connections end', async () => {
    const peers = new Set<string>();
    const answer = async ({ peer }: CallContext, delayMs: number) => {
      peers.add(peer);
      await pause(delayMs);
      return { user: { id: '', name: '', email: '', createTime: undefined } };
    };
    // One by one, as ages of minutes make of it: gRPC sends a call that met two ends in a row no
    // third time.
    for (const [id, maxConnectionAgeMs] of [
      ['a', 100],
      ['b', Infinity],
    ] as const) {
      const host = await mesh.serve({
        name: 'ageing',
        id,
        handleSignals: false,
        settleMs: 0,
        maxConnectionAgeMs,
        routes: [
          route(UserServiceDefinition, {
            getUser: ({ id: delay }, context) => answer(context, Number(delay)),
            createUser: (_request, context) => answer(context, Math.random() * 20),
            listUsers: async () => ({ users: [], nextPageToken: '' }),
          }),
        ],
      });
      cleanup.push(() => host.close());
      await host.registered();
    }
    const users = mesh.client(UserServiceDefinition, { service: 'ageing' });
    const end = performance.now() + 1500;
    let calls = 0;
    const caller = async (call: () => Promise<unknown>) => {
      while (performance.now() < end) {
        await call();
        calls += 1;
      }
    };
    await Promise.all([
      // Not idempotent: never sent again, so that not one may be lost.
      ...Array.from({ length: 6 }, () => caller(() => users.createUser({ name: 'x' }))),
      ...Array.from({ length: 3 }, () => caller(() => users.getUser({ id: '1' }))),
      // Each outlives the connection it started on.
      ...Array.from({ length: 3 }, () => caller(() => users.getUser({ id: '300' }))),
    ]);
    expect(calls).toBeGreaterThan(20);
    // Many connections have come and gone.
    expect(peers.size).toBeGreaterThan(3);
  });
});

describe('keepalive', () => {
  it('F28: too_many_pings makes it ping less often; no call fails, nobody is left out', async () => {
    const police = await startPingPolice({
      message: GetUserResponse.encode({
        user: { id: '', name: 'police', email: '', createTime: undefined },
      }).finish(),
      delayMs: 250,
      leastMs: 100,
    });
    cleanup.push(() => police.close());
    const { client, close } = createRegistryClient(registry.address);
    cleanup.push(close);
    const address = { host: '127.0.0.1', port: police.port };
    await client.register({
      instance: { service: 'policed', id: 'police', address },
      ttlSeconds: 30,
    });
    const echo = await serveEcho(mesh, 'easy', { name: 'policed' });
    cleanup.push(() => echo.host.close());
    await echo.host.registered();

    // grpc-js prints that it was told off.
    setLogVerbosity(logVerbosity.NONE);
    cleanup.push(() => setLogVerbosity(logVerbosity.ERROR));
    // What a channel asks of its connections is read when it opens.
    const before = clientTransport['grpc.keepalive_time_ms'];
    clientTransport['grpc.keepalive_time_ms'] = 40;
    cleanup.push(() => {
      clientTransport['grpc.keepalive_time_ms'] = before;
    });
    const caller = createMesh({ registry: registry.address });
    cleanup.push(() => caller.close());
    const users = caller.client(UserServiceDefinition, { service: 'policed' });
    const callSome = async (count: number) => {
      for (let i = 0; i < count; i += 1) await users.getUser({ id: 'x' });
    };
    await eventually(async () => {
      await callSome(2);
      expect(police.goaways).toBeGreaterThanOrEqual(2);
    });
    // 40 ms, 80 ms: too often. 160 ms is not.
    const { goaways, calls, pings } = police;
    await callSome(6);
    expect(police.goaways).toBe(goaways);
    expect(police.calls - calls).toBe(3);
    expect(police.pings).toBeGreaterThan(pings);
  });
});
