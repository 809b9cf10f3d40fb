import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { currentCall, Status } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

const HOUR_MS = 3_600_000;
const RealDate = Date;

/** Sets the wall clock of this process, registry and all; performance.now() is monotonic and stays. */
function setClock(byMs: number): void {
  class ShiftedDate extends RealDate {
    constructor(...args: [] | [number | string]) {
      if (args.length === 0) super(RealDate.now() + byMs);
      else super(...args);
    }
    static override now(): number {
      return RealDate.now() + byMs;
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor;
}

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(async () => {
  globalThis.Date = RealDate;
  await stage.clear();
});
afterAll(() => stage.close());

describe.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a clock that jumps an hour %s', (way, byMs) => {
  it('F25: loses no lease, opens no breaker, ejects nobody and fails no call', async () => {
    const service = `clock-${way}`;
    const started = await stage.serve(service, ['a', 'b', 'c']);
    const leases = started.map(({ host }) => host.instance.leaseId);
    const mesh = stage.join({ strategy: 'p2c_ewma', discoveryTtlMs: 60_000 });
    const users = usersOf(mesh, service);
    await warmUp(users, started);
    const told: unknown[] = [];
    for (const name of ['breakerChanged', 'instanceEjected'] as const)
      mesh.events.on(name, (event: unknown) => told.push(event));
    for (const { behaviour } of started) behaviour.delayMs = 30;
    const calls = callSteadily(100, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    await pause(200);
    expect(Date.now() - RealDate.now()).toBe(0);
    setClock(byMs);
    expect(Math.abs(Date.now() - RealDate.now())).toBeGreaterThan(HOUR_MS - 1000);
    // Longer than the TTL of the leases, 2 s; where they would end at once, a renewal is enough.
    await pause(byMs > 0 ? 1000 : 2300);
    for (const each of started) each.calls = 0;
    await pause(300);
    for (const each of started) expect(each.calls).toBeGreaterThan(0);
    await calls.stop();
    expect(calls.failures()).toEqual([]);
    expect(told).toEqual([]);
    expect(started.map(({ host }) => host.instance.leaseId)).toEqual(leases);
    const snapshot = await mesh.discover(service);
    expect(snapshot.instances).toHaveLength(3);
    expect(snapshot.stale).toBe(false);
  });

  it('F25: calls in flight keep their deadline, and so does what is ejected or broken', async () => {
    const service = `timed-${way}`;
    const started = await stage.serve(service, ['bad', 'good']);
    const [bad, good] = started as [EchoInstance, EchoInstance];
    const mesh = stage.join({
      breaker: { resetMs: 700 },
      outlierEjection: { consecutiveFailures: 3, baseEjectionMs: 700 },
    });
    const users = usersOf(mesh, service);
    await warmUp(users, started);
    // Three in flight, each with a deadline of its own.
    good.behaviour.delayMs = 600;
    bad.behaviour.delayMs = 600;
    const patient = users.createUser({ name: 'x' }, { timeoutMs: 2000 });
    const began = performance.now();
    const hasty = users
      .createUser({ name: 'x' }, { timeoutMs: 400 })
      .catch((error: unknown) => error);
    await eventually(() => expect(good.calls + bad.calls).toBe(2));
    setClock(byMs);
    expect(await hasty).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(performance.now() - began).toBeGreaterThan(350);
    expect(performance.now() - began).toBeLessThan(1000);
    await patient;
    globalThis.Date = RealDate;
    good.behaviour.delayMs = 0;
    Object.assign(bad.behaviour, { delayMs: 0, failWith: Status.INTERNAL });
    const out: number[] = [];
    mesh.events.on('instanceEjected', () => out.push(performance.now()));
    mesh.events.on('instanceReturned', () => out.push(performance.now()));
    await eventually(async () => {
      await users.getUser({ id: 'x' }).catch(() => {});
      expect(out).toHaveLength(1);
    });
    setClock(byMs);
    bad.behaviour.failWith = undefined;
    await eventually(() => expect(out).toHaveLength(2));
    const [from = 0, to = 0] = out;
    expect(to - from).toBeGreaterThanOrEqual(690);
    expect(to - from).toBeLessThan(2000);
    await eventually(async () => {
      bad.calls = 0;
      for (let i = 0; i < 4; i += 1) await users.getUser({ id: 'x' });
      expect(bad.calls).toBe(2);
    });
  });

  it('F25: a handler under way still has its deadline, and calls others with it', async () => {
    const [echo] = (await stage.serve(`inner-${way}`, ['a'])) as [EchoInstance];
    const inner = usersOf(stage.host, `inner-${way}`);
    await inner.getUser({ id: 'warm' });
    const jumped = Promise.withResolvers<void>();
    const lefts: number[] = [];
    const left = () => lefts.push((currentCall()?.deadline ?? 0) - Date.now());
    const outer = await stage.host.serve({
      name: `outer-${way}`,
      settleMs: 0,
      handleSignals: false,
      routes: [
        route(UserServiceDefinition, {
          createUser: async () => ({ user: undefined }),
          listUsers: async () => ({ users: [], nextPageToken: '' }),
          async getUser({ id }) {
            left();
            await jumped.promise;
            left();
            return inner.getUser({ id });
          },
        }),
      ],
    });
    stage.defer(() => outer.close());
    const call = stage.users(`outer-${way}`).getUser({ id: 'x' }, { timeoutMs: 3000 });
    await eventually(() => expect(lefts).toHaveLength(1));
    setClock(byMs);
    jumped.resolve();
    expect((await call).user?.name).toBe('a');
    expect(echo.calls).toBe(2);
    const [before = 0, after = 0] = lefts;
    expect(after).toBeLessThanOrEqual(before);
    expect(after).toBeGreaterThan(before - 1000);
  });
});
