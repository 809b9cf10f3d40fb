import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type MeshOptions, Status } from '@weft/client-sdk';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { answeredSince, callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const total = (instances: readonly EchoInstance[]) =>
  instances.reduce((sum, { calls }) => sum + calls, 0);

function setAll(started: readonly EchoInstance[], failWith: Status | undefined) {
  for (const { behaviour } of started) behaviour.failWith = failWith;
}

describe('a service all of whose instances fail', () => {
  it('F8: gets a few probes meanwhile, and answers within 3 s of being well', async () => {
    const started = await stage.serve('down', ['a', 'b', 'c'], { shedding: false });
    const mesh = stage.join();
    const users = usersOf(mesh, 'down');
    await warmUp(users, started);
    setAll(started, Status.INTERNAL);
    const calls = callSteadily(300, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    // Five failures each open the breakers, if they are more than half of what came while warming up;
    // from then on each is probed about once a second.
    await eventually(() => {
      for (const { state } of mesh.breakers()) expect(state).not.toBe('closed');
    });
    // What was on its way already still comes.
    const [openAt, onTheWay] = [performance.now(), calls.sent];
    await eventually(() => {
      expect(calls.done.filter(({ at }) => at <= openAt)).toHaveLength(onTheWay);
    });
    const [reached, sent] = [total(started), calls.sent];
    await pause(1200);
    expect(calls.sent - sent).toBeGreaterThan(200);
    expect(total(started) - reached).toBeLessThanOrEqual(9);
    setAll(started, undefined);
    const wellAt = performance.now();
    await eventually(() => expect(answeredSince(calls, wellAt).size).toBe(3), { withinMs: 3000 });
    const allBackAt = performance.now();
    await pause(200);
    await calls.stop();
    expect(calls.failures().filter(({ at }) => at > allBackAt)).toEqual([]);
  });
});

describe('a retry storm', () => {
  it('F33: is ended by the breakers, and without them bounded by the budget', async () => {
    /** Attempts that reach the servers for each call, when all fail. */
    const attemptsPerCall = async (service: string, options: MeshOptions) => {
      // Of a machine too busy for it all, servers would refuse calls before they count them.
      const started = await stage.serve(service, ['a', 'b', 'c'], { shedding: false });
      const users = stage.users(service, options);
      await warmUp(users, started);
      setAll(started, Status.UNAVAILABLE);
      const calls = callSteadily(300, (report) => users.getUser({ id: 'x' }, report));
      await pause(2000);
      const all = await calls.stop();
      expect(calls.failures()).toHaveLength(all.length);
      return total(started) / all.length;
    };
    const [byDefault, unbroken] = await Promise.all([
      attemptsPerCall('storm', {}),
      attemptsPerCall('storm-unbroken', {
        breaker: { failures: 1e6 },
        outlierEjection: false,
        // What rare calls are allowed would come on top.
        retryBudget: { minPerSecond: 0 },
      }),
    ]);
    expect(byDefault).toBeLessThan(0.3);
    expect(unbroken).toBeGreaterThan(1.1);
    expect(unbroken).toBeLessThan(1.21);
  });

  it('F33: an overloaded instance gets no call until it said to come back', async () => {
    const started = await stage.serve('busy', ['busy', 'idle']);
    const [busy] = started as [EchoInstance];
    const mesh = stage.join();
    const users = usersOf(mesh, 'busy');
    await warmUp(users, started);
    const told: string[] = [];
    mesh.events.on('instanceEjected', ({ reason }) => told.push(reason));
    mesh.events.on('instanceReturned', () => told.push('returned'));
    Object.assign(busy.behaviour, { failWith: Status.RESOURCE_EXHAUSTED, pushbackMs: 600 });
    const calls = callSteadily(200, (report) => users.getUser({ id: 'x' }, report));
    stage.defer(() => calls.stop());
    await eventually(() => expect(busy.calls).toBeGreaterThan(0), { everyMs: 2 });
    // What was on its way already still comes.
    await pause(50);
    const reached = busy.calls;
    await pause(400);
    expect(busy.calls).toBe(reached);
    expect(mesh.breakers().map(({ state }) => state)).toEqual(['closed', 'closed']);
    busy.behaviour.failWith = undefined;
    const since = performance.now();
    await eventually(() => expect(answeredSince(calls, since).get('busy')).toBeGreaterThan(5));
    const all = await calls.stop();
    expect(told).toEqual(['overloaded', 'returned']);
    expect(calls.failures()).toEqual([]);
    const refused = all.filter(({ report }) => (report?.attempts.length ?? 0) > 1);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.report?.attempts).toMatchObject([
      { instance: 'busy', status: 'RESOURCE_EXHAUSTED' },
      { instance: 'idle', status: 'OK' },
    ]);
    // It was asked elsewhere at once, not when the busy one said.
    expect(refused[0]?.ms).toBeLessThan(400);
  });
});

describe('a half-open breaker', () => {
  it('F10: lets one probe through; other calls go elsewhere', async () => {
    const started = await stage.serve('half', ['bad', 'good']);
    const [bad] = started as [EchoInstance];
    const mesh = stage.join({ breaker: { resetMs: 300 }, outlierEjection: false });
    const users = usersOf(mesh, 'half');
    await warmUp(users, started);
    bad.behaviour.failWith = Status.INTERNAL;
    const breaker = () => mesh.breakers().find(({ instanceId }) => instanceId === 'bad');
    await eventually(async () => {
      await users.getUser({ id: 'x' }).catch(() => {});
      expect(breaker()?.state).toBe('open');
    });
    await eventually(() => expect(breaker()?.state).toBe('half-open'));
    bad.calls = 0;
    bad.behaviour.delayMs = 300;
    bad.behaviour.failWith = undefined;
    const call = () => users.getUser({ id: 'x' });
    const answers = await Promise.all(Array.from({ length: 50 }, call));
    expect(answers.filter(({ user }) => user?.name === 'bad')).toHaveLength(1);
    expect(bad.calls).toBe(1);
    expect(breaker()?.state).toBe('closed');
  });

  it('F10: rejects other calls naming the breaker when there is nowhere else', async () => {
    const [only] = (await stage.serve('lonely', ['only'])) as [EchoInstance];
    const mesh = stage.join({ breaker: { resetMs: 300 } });
    const users = usersOf(mesh, 'lonely');
    only.behaviour.failWith = Status.INTERNAL;
    const breaker = () => mesh.breakers()[0];
    await eventually(async () => {
      await users.getUser({ id: 'x' }).catch(() => {});
      expect(breaker()?.state).toBe('open');
    });
    await eventually(() => expect(breaker()?.state).toBe('half-open'));
    only.calls = 0;
    only.behaviour.delayMs = 200;
    only.behaviour.failWith = undefined;
    const call = () => users.getUser({ id: 'x' });
    const results = await Promise.allSettled(Array.from({ length: 20 }, call));
    expect(only.calls).toBe(1);
    const rejected = results.filter((result) => result.status === 'rejected');
    expect(rejected).toHaveLength(19);
    for (const { reason } of rejected) {
      expect(reason).toMatchObject({
        code: Status.UNAVAILABLE,
        details: expect.stringContaining('breaker of only is half-open'),
      });
    }
    expect(breaker()?.state).toBe('closed');
  });
});
