import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh, Status, type StrategyName } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { createSilentServer } from '../support/silent-server.ts';

let registry: Registry;
let host: Mesh;
const meshes: Mesh[] = [];
const instances: EchoInstance[] = [];

beforeAll(async () => {
  registry = await createTestRegistry();
  host = createMesh({ registry: registry.address });
});

afterEach(async () => {
  await Promise.all(instances.splice(0).map((instance) => instance.host.close()));
  for (const mesh of meshes.splice(0)) mesh.close();
});

afterAll(async () => {
  host.close();
  await registry.close();
});

async function serve(service: string, ...ids: string[]): Promise<EchoInstance[]> {
  const started = await Promise.all(ids.map((id) => serveEcho(host, id, { name: service })));
  instances.push(...started);
  await Promise.all(started.map((instance) => instance.host.registered()));
  return started;
}

function join(options: Parameters<typeof createMesh>[0] = {}): Mesh {
  const mesh = createMesh({ registry: registry.address, ...options });
  meshes.push(mesh);
  return mesh;
}

function clientOf(mesh: Mesh, service: string) {
  return mesh.client(UserServiceDefinition, { service });
}

/** Calls until every instance has answered, so that all connections are made. */
async function warmUp(users: ReturnType<typeof clientOf>, started: readonly EchoInstance[]) {
  await eventually(async () => {
    await users.getUser({ id: 'warm' });
    for (const { calls } of started) expect(calls).toBeGreaterThan(0);
  });
  for (const instance of started) instance.calls = 0;
}

describe('the first burst of a new client', () => {
  it('is spread over all instances', async () => {
    const started = await serve('burst', 'a', 'b', 'c');
    for (const { behaviour } of started) behaviour.delayMs = 50;
    for (let client = 0; client < 5; client += 1) {
      for (const each of started) each.calls = 0;
      const users = clientOf(join(), 'burst');
      await Promise.all(Array.from({ length: 30 }, () => users.getUser({ id: 'x' })));
      expect(started.map(({ calls }) => calls)).toEqual([10, 10, 10]);
    }
  });

  it('waits no longer than 250 ms for an instance that cannot be reached', async () => {
    const [reached] = await serve('part', 'a');
    const silent = await createSilentServer();
    const { client, close } = createRegistryClient(registry.address);
    try {
      const address = { host: '127.0.0.1', port: silent.port };
      const described = { id: 'silent', service: 'part', address };
      await client.register({ instance: described, ttlSeconds: 60, skipCallback: true });
      const users = clientOf(join(), 'part');
      const startedAt = performance.now();
      await users.getUser({ id: 'x' });
      expect(reached?.calls).toBe(1);
      const tookMs = performance.now() - startedAt;
      expect(tookMs).toBeGreaterThan(200);
      // A connection may take a second; the rest is for a slow machine.
      expect(tookMs).toBeLessThan(900);
    } finally {
      close();
      await silent.close();
    }
  });
});

describe('balancing', () => {
  it.each<[StrategyName, number, number]>([
    ['round_robin', 100, 100],
    ['least_connections', 60, 140],
    ['random', 60, 140],
  ])('%s spreads 400 calls over 4 instances', async (strategy, least, most) => {
    const service = `spread-${strategy.replaceAll('_', '-')}`;
    const started = await serve(service, 'a', 'b', 'c', 'd');
    const users = clientOf(join({ strategy }), service);
    await warmUp(users, started);
    for (let i = 0; i < 400; i += 1) await users.getUser({ id: 'x' });
    for (const { calls } of started) {
      expect(calls).toBeGreaterThanOrEqual(least);
      expect(calls).toBeLessThanOrEqual(most);
    }
  });

  it('least_connections keeps away from an instance whose calls pile up', async () => {
    const [slow, ...rest] = await serve('pile', 'a', 'b', 'c');
    if (slow === undefined) throw new Error('not started');
    const users = clientOf(
      join({ strategy: 'least_connections', defaultDeadlineMs: 10_000 }),
      'pile',
    );
    await warmUp(users, [slow, ...rest]);
    slow.behaviour.delayMs = 2500;
    let left = 150;
    const caller = async () => {
      while (left > 0) {
        left -= 1;
        await users.getUser({ id: 'x' });
      }
    };
    await Promise.all([caller(), caller(), caller()]);
    // One caller is caught there, and the others then always find an instance with fewer calls.
    expect(slow.calls).toBe(1);
  });

  it('sends calls to an instance that joins, and none to one that drains', async () => {
    const [a] = await serve('moving', 'a');
    const users = clientOf(join(), 'moving');
    await users.getUser({ id: 'x' });
    const [b] = await serve('moving', 'b');
    await eventually(async () => {
      expect((await users.getUser({ id: 'x' })).user?.name).toBe('b');
    });
    await a?.host.close();
    const callsThen = a?.calls;
    for (let i = 0; i < 20; i += 1) {
      expect((await users.getUser({ id: 'x' })).user?.name).toBe('b');
    }
    expect(a?.calls).toBe(callsThen);
    expect(b?.calls).toBeGreaterThan(20);
  });

  it('drains without failing a call, whether or not it may be retried', async () => {
    const [a, b] = await serve('drained', 'a', 'b');
    const users = clientOf(join(), 'drained');
    if (a === undefined || b === undefined) throw new Error('not started');
    await warmUp(users, [a, b]);
    a.behaviour.delayMs = 40;
    b.behaviour.delayMs = 40;
    let isOver = false;
    let done = 0;
    const worker = async () => {
      while (!isOver) {
        await users.createUser({ name: 'x' });
        done += 1;
      }
    };
    const workers = Promise.all(Array.from({ length: 8 }, worker));
    await eventually(() => expect(done).toBeGreaterThan(20));
    await a.host.close();
    expect(a.host.status).toBe('STOPPED');
    const doneThen = done;
    await eventually(() => expect(done).toBeGreaterThan(doneThen + 20));
    isOver = true;
    await workers;
    expect(a.cancelled).toBe(0);
  });

  it('takes no calls to an instance that says it cannot serve, until it can', async () => {
    const [a, b] = await serve('ailing', 'a', 'b');
    const users = clientOf(join(), 'ailing');
    if (a === undefined || b === undefined) throw new Error('not started');
    await warmUp(users, [a, b]);
    await a.host.markError('its disk is full');
    expect(a.host.status).toBe('ERROR');
    await eventually(async () => {
      a.calls = 0;
      for (let i = 0; i < 10; i += 1) await users.getUser({ id: 'x' });
      expect(a.calls).toBe(0);
    });
    await a.host.markRunning();
    await eventually(async () => {
      await users.getUser({ id: 'x' });
      expect(a.calls).toBeGreaterThan(0);
    });
  });
});

describe('breaker', () => {
  const breaker = { failures: 5, resetMs: 400 };

  it('opens on failures, is probed once when half-open, and closes on success', async () => {
    const [bad, good] = await serve('broken', 'bad', 'good');
    if (bad === undefined || good === undefined) throw new Error('not started');
    const users = clientOf(join({ breaker }), 'broken');
    await warmUp(users, [bad, good]);

    bad.behaviour.failWith = Status.INTERNAL;
    let failures = 0;
    const call = async () => {
      try {
        await users.getUser({ id: 'x' });
      } catch {
        failures += 1;
      }
    };
    await eventually(async () => {
      for (let i = 0; i < 10; i += 1) await call();
      const before = bad.calls;
      for (let i = 0; i < 10; i += 1) await call();
      expect(bad.calls).toBe(before);
    });
    expect(failures).toBe(5);

    // Half-open: of ten calls at once one goes there, fails, and opens it again.
    bad.calls = 0;
    await eventually(async () => {
      await Promise.all(Array.from({ length: 10 }, call));
      expect(bad.calls).toBe(1);
    });

    bad.behaviour.failWith = undefined;
    await eventually(async () => {
      const before = bad.calls;
      for (let i = 0; i < 10; i += 1) await call();
      expect(bad.calls - before).toBe(5);
    });
  });

  it('fails at once, naming the breakers, when all are open', async () => {
    const started = await serve('all-open', 'a', 'b');
    const users = clientOf(join({ breaker }), 'all-open');
    await warmUp(users, started);
    for (const { behaviour } of started) behaviour.failWith = Status.INTERNAL;
    const error = await eventually(async () => {
      const failure = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(failure).toMatchObject({ code: Status.UNAVAILABLE });
      return failure;
    });
    expect(error).toMatchObject({ message: expect.stringMatching(/breaker of a is open/) });
    expect(error).toMatchObject({ message: expect.stringMatching(/breaker of b is open/) });
  });

  it('does not open on errors of the caller', async () => {
    const [only] = await serve('refusing', 'only');
    if (only === undefined) throw new Error('not started');
    const users = clientOf(join({ breaker }), 'refusing');
    only.behaviour.failWith = Status.NOT_FOUND;
    for (let i = 0; i < 30; i += 1) {
      await expect(users.getUser({ id: 'x' })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    }
    expect(only.calls).toBe(30);
  });
});
