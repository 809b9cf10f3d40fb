import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type CallReport, type MeshOptions, Status } from '@weft/client-sdk';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const total = (instances: readonly EchoInstance[]) =>
  instances.reduce((sum, { calls }) => sum + calls, 0);

/** Two warm instances of `service`, and what calls them. */
async function pair(service: string, options: MeshOptions) {
  const started = await stage.serve(service, ['a', 'b']);
  const [a, b] = started as [EchoInstance, EchoInstance];
  const mesh = stage.join(options);
  const users = usersOf(mesh, service);
  await warmUp(users, started);
  return { a, b, started, mesh, users };
}

describe('hedging', () => {
  const hedging = { maxAttempts: 2, delayMs: 50 };

  it('overtakes a slow first attempt; the loser is cancelled and counts against nobody', async () => {
    const { a, b, mesh, users } = await pair('hedged', { hedging });
    a.behaviour.delayMs = 600;
    let hedged: CallReport | undefined;
    for (let i = 0; i < 10; i += 1) {
      let report: CallReport | undefined;
      const onReport = (told: CallReport) => {
        report = told;
      };
      const { user } = await users.getUser({ id: 'x' }, { onReport });
      expect(user?.name).toBe('b');
      expect(report?.durationMs).toBeLessThan(500);
      if (report?.attempts.length === 2) hedged = report;
    }
    expect(hedged?.attempts[0]).toMatchObject({ instance: 'a' });
    expect(hedged?.attempts[1]).toMatchObject({ instance: 'b', status: 'OK' });
    await eventually(() => expect(a.cancelled).toBe(a.calls));
    expect(b.cancelled).toBe(0);
    expect(mesh.breakers().map(({ state, failures }) => [state, failures])).toEqual([
      ['closed', 0],
      ['closed', 0],
    ]);
    // A fast answer is not hedged.
    a.behaviour.delayMs = 0;
    const before = a.calls + b.calls;
    for (let i = 0; i < 10; i += 1) await users.getUser({ id: 'x' });
    expect(a.calls + b.calls - before).toBeLessThanOrEqual(12);
  });

  it('makes no more attempts than maxAttempts, each at another instance', async () => {
    const started = await stage.serve('hedged-much', ['a', 'b', 'c', 'd']);
    const users = stage.users('hedged-much', { hedging: { maxAttempts: 3, delayMs: 20 } });
    await warmUp(users, started);
    // What was hedged while warming up may still come.
    await eventually(async () => {
      for (const each of started) each.calls = 0;
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(total(started)).toBe(0);
    });
    for (const { behaviour } of started) behaviour.delayMs = 400;
    await users.getUser({ id: 'x' });
    expect(started.map(({ calls }) => calls).sort()).toEqual([0, 1, 1, 1]);
    for (const { behaviour } of started)
      Object.assign(behaviour, { delayMs: 0, failWith: Status.UNAVAILABLE });
    for (const each of started) each.calls = 0;
    await expect(users.getUser({ id: 'x' })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(total(started)).toBe(3);
  });

  it('never sends a method again that is not idempotent', async () => {
    const { started, users } = await pair('unhedged', { hedging: { maxAttempts: 3, delayMs: 20 } });
    for (const { behaviour } of started) behaviour.delayMs = 200;
    await users.createUser({ name: 'x' });
    expect(total(started)).toBe(1);
    for (const { behaviour } of started)
      Object.assign(behaviour, { delayMs: 0, failWith: Status.UNAVAILABLE });
    await expect(users.createUser({ name: 'x' })).rejects.toMatchObject({
      code: Status.UNAVAILABLE,
    });
    expect(total(started)).toBe(2);
  });
});

describe('a timeout of each try', () => {
  it('gives a slow attempt up for another, within the deadline of the call', async () => {
    const { a, users } = await pair('tries', { retry: { perTryTimeoutMs: 100 } });
    a.behaviour.delayMs = 1000;
    const reports: CallReport[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { user } = await users.getUser({ id: 'x' }, { onReport: (told) => reports.push(told) });
      expect(user?.name).toBe('b');
    }
    expect(a.calls).toBeGreaterThan(1);
    await eventually(() => expect(a.cancelled).toBe(a.calls));
    const retried = reports.find(({ attempts }) => attempts.length === 2);
    expect(retried?.attempts).toMatchObject([
      { instance: 'a', status: 'UNAVAILABLE' },
      { instance: 'b', status: 'OK' },
    ]);
    expect(retried?.attempts[0]?.durationMs).toBeLessThan(400);
  });
});

describe('a bulkhead', () => {
  it('sends what one instance has no room for elsewhere, and refuses what none has', async () => {
    const { a, b, users } = await pair('narrow', { maxInFlightPerInstance: 3 });
    a.behaviour.delayMs = 300;
    b.behaviour.delayMs = 300;
    const held = Array.from({ length: 6 }, () => users.getUser({ id: 'x' }));
    await eventually(() => expect([a.calls, b.calls]).toEqual([3, 3]));
    const started = performance.now();
    for (const call of [() => users.getUser({ id: 'x' }), () => users.createUser({ name: 'x' })]) {
      await expect(call()).rejects.toMatchObject({
        code: Status.RESOURCE_EXHAUSTED,
        details: expect.stringContaining('(maxInFlightPerInstance 3)'),
      });
    }
    expect(performance.now() - started).toBeLessThan(150);
    await Promise.all(held);
    await users.getUser({ id: 'x' });
    expect(a.calls + b.calls).toBe(7);
  });

  it('refuses at once what the service as a whole has no room for, naming the limit', async () => {
    const { a, b, users, mesh } = await pair('small', { maxInFlight: 4 });
    a.behaviour.delayMs = 300;
    b.behaviour.delayMs = 300;
    const held = Array.from({ length: 4 }, () => users.getUser({ id: 'x' }));
    await eventually(() => expect(a.calls + b.calls).toBe(4));
    const started = performance.now();
    await expect(users.getUser({ id: 'x' })).rejects.toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('4 calls to small are in flight; maxInFlight is 4'),
    });
    expect(performance.now() - started).toBeLessThan(150);
    await Promise.all(held);
    expect(mesh.breakers().map(({ failures }) => failures)).toEqual([0, 0]);
    await users.getUser({ id: 'x' });
  });
});
