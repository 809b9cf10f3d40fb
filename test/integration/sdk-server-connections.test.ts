import { setTimeout as pause } from 'node:timers/promises';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { clientTransport, route } from '@weft/proto';
import { GetUserResponse, UserServiceDefinition } from '@weft/proto/user';
import type { CallContext } from 'nice-grpc';
import { eventually } from '../support/eventually.ts';
import { startPingPolice } from '../support/ping-police.ts';
import { TestMesh } from '../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

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
      const host = await stage.host.serve({
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
      stage.defer(() => host.close());
      await host.registered();
    }
    const users = stage.host.client(UserServiceDefinition, { service: 'ageing' });
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
  it('pings a server with a slow call seldom enough for a limit of two pings a second', async () => {
    const police = {
      message: GetUserResponse.encode({
        user: { id: '', name: 'police', email: '', createTime: undefined },
      }).finish(),
      delayMs: 2,
      leastMs: 500,
      strikes: 2,
    };
    const server = await startPingPolice(police);
    stage.defer(() => server.close());
    await stage.list(server.port, { service: 'policed', id: 'police' });
    const users = stage.users('policed');
    // The client learns that the method is fast, and then meets a call that is not.
    for (let i = 0; i < 20; i += 1) await users.getUser({ id: 'x' });
    police.delayMs = 3500;
    const { user } = await users.getUser({ id: 'x' }, { timeoutMs: 10_000 });
    expect(user?.name).toBe('police');
    expect(server.pings).toBeGreaterThanOrEqual(3);
    expect(server.goaways).toBe(0);
  });

  it('F28: too_many_pings makes it ping less often; no call fails, nobody is left out', async () => {
    const police = await startPingPolice({
      message: GetUserResponse.encode({
        user: { id: '', name: 'police', email: '', createTime: undefined },
      }).finish(),
      delayMs: 250,
      leastMs: 100,
    });
    stage.defer(() => police.close());
    await stage.list(police.port, { service: 'policed', id: 'police' });
    await stage.serve('policed', ['easy']);

    // grpc-js prints that it was told off.
    setLogVerbosity(logVerbosity.NONE);
    stage.defer(() => setLogVerbosity(logVerbosity.ERROR));
    // What a channel asks of its connections is read when it opens.
    const before = clientTransport['grpc.keepalive_time_ms'];
    clientTransport['grpc.keepalive_time_ms'] = 40;
    stage.defer(() => {
      clientTransport['grpc.keepalive_time_ms'] = before;
    });
    const users = stage.users('policed');
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
