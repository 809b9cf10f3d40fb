import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type CallReport, type MeshOptions, Status, type StrategyName } from '@weft/client-sdk';
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

const sum = (instances: readonly EchoInstance[]) =>
  instances.reduce((total, { calls }) => total + calls, 0);

describe('a slow instance', () => {
  it('F6: gets little traffic from p2c_ewma, and is still probed', async () => {
    const started = await stage.serve('slow', ['a', 'b', 'slow']);
    const slow = started[2] as EchoInstance;
    for (const { behaviour } of started) behaviour.delayMs = 20;
    const users = stage.users('slow', { strategy: 'p2c_ewma' });
    await warmUp(users, started);
    slow.behaviour.delayMs = 100;
    const calls = callSteadily(300, (report) => users.getUser({ id: 'x' }, report));
    stage.defer(() => calls.stop());
    await pause(1500);
    expect(slow.calls).toBeGreaterThan(0);
    // An even share is a third.
    expect(slow.calls).toBeLessThan(0.15 * sum(started));
    // Well again, it is found out: what it costs wears off, and the others have calls in flight.
    slow.behaviour.delayMs = 1;
    const since = performance.now();
    await eventually(() => expect(answeredSince(calls, since).get('slow')).toBeGreaterThan(10), {
      withinMs: 10_000,
    });
    await calls.stop();
    expect(calls.failures()).toEqual([]);
  });
});

describe('an instance that fails fast', () => {
  it.each<[StrategyName, MeshOptions]>([
    // By itself: neither breaker nor ejection helps it.
    ['p2c_ewma', { breaker: { failures: 1e6 }, outlierEjection: false }],
    // It knows nothing but calls in flight, of which such an instance has none: ejection sees to it.
    ['least_connections', {}],
    ['round_robin', {}],
  ])('F7: is not favoured under %s', async (strategy, options) => {
    const service = `fast-${strategy.replaceAll('_', '-')}`;
    const started = await stage.serve(service, ['a', 'b', 'fast']);
    const fast = started[2] as EchoInstance;
    for (const { behaviour } of started) behaviour.delayMs = 15;
    const users = stage.users(service, { strategy, ...options });
    await warmUp(users, started);
    fast.behaviour.delayMs = 0;
    fast.behaviour.failWith = Status.UNAVAILABLE;
    const calls = callSteadily(200, (report) => users.getUser({ id: 'x' }, report));
    await pause(700);
    await calls.stop();
    expect(fast.calls).toBeGreaterThan(0);
    expect(fast.calls).toBeLessThan(0.15 * calls.sent);
    expect(calls.failures()).toEqual([]);
  });
});

describe('outlier ejection', () => {
  it('F9: never leaves out more than half, however many fare badly', async () => {
    const started = await stage.serve('bad', ['a', 'b', 'c', 'good']);
    const mesh = stage.join({
      breaker: { failures: 1e6 },
      outlierEjection: { intervalMs: 200, baseEjectionMs: 200 },
    });
    const users = usersOf(mesh, 'bad');
    await warmUp(users, started);
    const out = new Set<string>();
    const ejections: string[] = [];
    let mostOut = 0;
    mesh.events.on('instanceEjected', ({ instanceId }) => {
      out.add(instanceId);
      ejections.push(instanceId);
      mostOut = Math.max(mostOut, out.size);
    });
    mesh.events.on('instanceReturned', ({ instanceId }) => out.delete(instanceId));
    for (const { behaviour } of started.slice(0, 3)) {
      behaviour.failWith = Status.UNAVAILABLE;
      behaviour.failShare = 0.6;
    }
    const calls = callSteadily(300, (report) => users.getUser({ id: 'x' }, report));
    await pause(1300);
    await calls.stop();
    expect(mostOut).toBe(2);
    // Those that are back are found out again.
    expect(ejections.length).toBeGreaterThan(3);
    // Three tries at bad ones in a row, of which there were up to three.
    expect(calls.failures().length).toBeLessThan(0.1 * calls.sent);
  });
});

describe('a new instance', () => {
  it('gets little at first, then its full share', async () => {
    const started = await stage.serve('growing', ['a', 'b']);
    const users = stage.users('growing', { slowStartMs: 1200 });
    await warmUp(users, started);
    const calls = callSteadily(300, (report) => users.getUser({ id: 'x' }, report));
    stage.defer(() => calls.stop());
    const [young] = (await stage.serve('growing', ['young'])) as [EchoInstance];
    /** Its share of the calls of the next `ms`. */
    const shareWithin = async (ms: number) => {
      const [youngBefore, othersBefore] = [young.calls, sum(started)];
      await pause(ms);
      const own = young.calls - youngBefore;
      return own / (own + sum(started) - othersBefore);
    };
    await eventually(() => expect(young.calls).toBeGreaterThan(0), { everyMs: 2 });
    // An even share is a third; it starts with a tenth of that.
    expect(await shareWithin(250)).toBeLessThan(0.17);
    await pause(1000);
    expect(await shareWithin(400)).toBeGreaterThan(0.28);
  });
});

describe('zones', () => {
  it('are preferred, and spilt over from when the own one fails', async () => {
    const own = await stage.serve('zoned', ['a', 'b'], { zone: 'z1' });
    const others = await stage.serve('zoned', ['c', 'd'], { zone: 'z2' });
    const mesh = stage.join({ zone: 'z1', preferZone: true });
    const users = usersOf(mesh, 'zoned');
    const breakerOf = (id: string) => mesh.breakers().find((each) => each.instanceId === id);
    /** How many of 200 calls went where. */
    const spread = async () => {
      for (const each of [...own, ...others]) each.calls = 0;
      for (let i = 0; i < 200; i += 1) await users.getUser({ id: 'x' });
      return [sum(own), sum(others)] as const;
    };
    await eventually(async () => expect(await spread()).toEqual([200, 0]));
    // Half of the zone is lost, and 1.4 times the other half of it can be carried.
    breakerOf('a')?.open();
    const [stay, spilt] = await spread();
    expect(own[0]?.calls).toBe(0);
    expect(stay).toBeGreaterThan(110);
    expect(spilt).toBeGreaterThan(30);
    breakerOf('b')?.open();
    expect(await spread()).toEqual([0, 200]);
    breakerOf('a')?.close();
    breakerOf('b')?.close();
    expect(await spread()).toEqual([200, 0]);
  });
});

describe('a subset', () => {
  it('is all that a client connects to', async () => {
    const started = await stage.serve('large', ['a', 'b', 'c', 'd', 'e']);
    const subset = { size: 2, from: 4 };
    const mesh = stage.join({ subset, clientId: 'one' });
    const users = usersOf(mesh, 'large');
    const used = async () => {
      for (const each of started) each.calls = 0;
      for (let i = 0; i < 10; i += 1) await users.getUser({ id: 'x' });
      return started.filter(({ calls }) => calls > 0).map(({ host }) => host.instance.id);
    };
    await eventually(async () => expect(await used()).toHaveLength(2));
    const [leaving, staying] = await used();
    expect(
      mesh
        .breakers()
        .map(({ instanceId }) => instanceId)
        .sort(),
    ).toEqual([leaving, staying]);
    let report: CallReport | undefined;
    await users.getUser({ id: 'x' }, { onReport: (told) => (report = told) });
    expect(report?.candidates).toBe(5);
    // One that leaves is replaced; the other connection stays.
    await started.find(({ host }) => host.instance.id === leaving)?.host.close();
    const now = await eventually(async () => {
      const ids = await used();
      expect(ids).toHaveLength(2);
      return ids;
    });
    expect(now).toContain(staying);
  });

  it('is chosen anew when the policy changes, and is all of them for sticky keys', async () => {
    await stage.serve('resized', ['a', 'b', 'c', 'd', 'e']);
    const mesh = stage.join({
      clientId: 'one',
      services: { resized: { subset: { size: 2, from: 4 } } },
    });
    const users = usersOf(mesh, 'resized');
    const calls = callSteadily(100, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    const used = () => mesh.breakers().map(({ instanceId }) => instanceId);
    await eventually(() => expect(used()).toHaveLength(2));
    const two = used();
    mesh.configure('resized', { subset: { size: 3 } });
    expect(used()).toHaveLength(3);
    expect(used()).toEqual(expect.arrayContaining(two));
    mesh.configure('resized', { strategy: 'consistent_hash' });
    expect(used()).toHaveLength(5);
    // Keys find their instances from any client: with a sticky strategy all are used, and stay so.
    mesh.configure('resized', {});
    expect(used()).toHaveLength(5);
    await calls.stop();
    expect(calls.failures()).toEqual([]);
  });
});
