import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { callReport, createMesh, type Mesh, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { type EchoInstance, serveEcho } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestRegistry } from '../../support/registry.ts';

let registry: Registry;
let mesh: Mesh;

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
});

afterAll(async () => {
  mesh.close();
  await registry.close();
});

const failureOf = (call: Promise<unknown>) => call.then(undefined, (error: unknown) => error);

/** Instances of `service`, a client that knows them all, and what a call of it answers. */
async function within(
  service: string,
  ids: readonly string[],
  use: (users: ReturnType<typeof clientOf>, instances: readonly EchoInstance[]) => Promise<void>,
): Promise<void> {
  const instances = await Promise.all(ids.map((id) => serveEcho(mesh, id, { name: service })));
  try {
    await Promise.all(instances.map(({ host }) => host.registered()));
    const users = clientOf(service);
    await eventually(async () => {
      await users.getUser({ id: 'x' });
      expect(mesh.breakers().filter((each) => each.service === service)).toHaveLength(ids.length);
    });
    await use(users, instances);
  } finally {
    await Promise.all(instances.map(({ host }) => host.close()));
  }
}

function clientOf(service: string) {
  return mesh.client(UserServiceDefinition, { service });
}

describe('breakers', () => {
  it('are shown, told of by events, and turned by hand', async () => {
    await within('shown', ['a', 'b'], async (users) => {
      const told: unknown[] = [];
      mesh.events.on('breakerChanged', (event) => told.push(event));
      const breaker = mesh
        .breakers()
        .find(({ service, instanceId }) => service === 'shown' && instanceId === 'a');
      expect(breaker).toMatchObject({ service: 'shown', state: 'closed', failures: 0 });
      breaker?.open();
      const names = new Set<string>();
      for (let i = 0; i < 10; i += 1)
        names.add((await users.getUser({ id: 'x' })).user?.name ?? '');
      expect(names).toEqual(new Set(['b']));
      breaker?.close();
      for (let i = 0; i < 10; i += 1)
        names.add((await users.getUser({ id: 'x' })).user?.name ?? '');
      expect(names).toEqual(new Set(['a', 'b']));
      const of = { service: 'shown', instanceId: 'a' };
      expect(told).toEqual([
        { ...of, from: 'closed', to: 'open' },
        { ...of, from: 'open', to: 'closed' },
      ]);
      mesh.events.removeAllListeners();
    });
  });
});

describe('configure', () => {
  it('changes how calls are made from now on, or nothing when any of it is wrong (F40)', async () => {
    await within('configured', ['a'], async (users, [a]) => {
      const { behaviour } = a as EchoInstance;
      behaviour.failWith = Status.UNAVAILABLE;
      mesh.configure('configured', { breaker: { failures: 1 } });
      const wrong = { strategy: 'round_robin', retry: { maxAttempts: 99 }, maxInFlight: 1 };
      expect(() => mesh.configure('configured', wrong)).toThrow(/retry.maxAttempts/);
      await failureOf(users.getUser({ id: 'x' }));
      const [breaker] = mesh.breakers().filter(({ service }) => service === 'configured');
      expect(breaker?.state).toBe('open');
      mesh.configure('configured', {});
      behaviour.failWith = undefined;
      expect((await users.getUser({ id: 'x' })).user?.name).toBe('a');
    });
  });
});

describe('the report on a call', () => {
  it('is to be had of an error, and of any call on request', async () => {
    await within('reported', ['a', 'b'], async (users, instances) => {
      const reports: unknown[] = [];
      const onReport = (report: unknown) => reports.push(report);
      await users.getUser({ id: 'x' }, { onReport });
      expect(reports).toMatchObject([
        { service: 'reported', status: 'OK', candidates: 2, attempts: [{ status: 'OK' }] },
      ]);
      for (const { behaviour } of instances) behaviour.failWith = Status.UNAVAILABLE;
      const error = await failureOf(users.getUser({ id: 'x' }));
      const report = callReport(error);
      expect(report).toMatchObject({
        method: '/user.v1.UserService/GetUser',
        status: 'UNAVAILABLE',
        attempts: [{ status: 'UNAVAILABLE' }, { status: 'UNAVAILABLE' }],
      });
      expect(new Set(report?.attempts.map(({ instance }) => instance))).toEqual(
        new Set(['a', 'b']),
      );
      expect(error).toMatchObject({ details: 'told to fail' });
    });
  });

  it('names the breaker that refused a call', async () => {
    await within('refused', ['a'], async (users) => {
      mesh
        .breakers()
        .find(({ service }) => service === 'refused')
        ?.open();
      const error = await failureOf(users.createUser({ name: 'x' }));
      expect(error).toMatchObject({
        code: Status.UNAVAILABLE,
        message: expect.stringContaining('breaker of a is open'),
      });
      expect(callReport(error)).toMatchObject({ openBreakers: ['a'], attempts: [] });
    });
  });
});

describe('hedging', () => {
  it('tells how an attempt ended when there is no other instance to ask', async () => {
    await within('hedged', ['a'], async (_users, [a]) => {
      const users = mesh.client(UserServiceDefinition, {
        service: 'hedged',
        policy: { methods: { getUser: { hedging: { delayMs: 50 } } } },
      });
      const { behaviour } = a as EchoInstance;
      behaviour.failWith = Status.UNAVAILABLE;
      expect(await failureOf(users.getUser({ id: 'x' }))).toMatchObject({
        code: Status.UNAVAILABLE,
        message: expect.stringContaining('told to fail'),
      });
      behaviour.failWith = undefined;
      behaviour.delayMs = 150;
      expect((await users.getUser({ id: 'x' })).user?.name).toBe('a');
    });
  });
});
