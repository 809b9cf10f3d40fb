import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  createMesh,
  type ServicePolicy,
  Status,
  type StrategyName,
} from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { badFields, failureOf } from '../../support/services.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const callsOf = (started: readonly EchoInstance[]) => started.map(({ calls }) => calls);

/** Calls to tell a spread over three from a preference: chance alone makes 0.6 of so many never. */
const SAMPLE = 90;

describe('a policy that is set while calls are made', () => {
  it('F40: is taken whole or not at all, and drops no call', async () => {
    const started = await stage.serve('tuned', ['a', 'b', 'c']);
    const mesh = stage.join({ strategy: 'round_robin' });
    const users = usersOf(mesh, 'tuned');
    await warmUp(users, started);
    const calls = callSteadily(60, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    /** Largest share that one instance has of calls with the same key. */
    const largestShare = async () => {
      const counts = new Map<string, number>();
      for (let i = 0; i < SAMPLE; i += 1) {
        const name = (await users.getUser({ id: 'x' }, { hashKey: 'k' })).user?.name ?? '';
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return Math.max(...counts.values()) / SAMPLE;
    };
    const wrong = {
      strategy: 'consistent_hash',
      maxInFlight: -1,
      breaker: { failurs: 3 },
    } as ServicePolicy;
    expect(() => mesh.configure('tuned', wrong)).toThrow(ConfigError);
    expect(() => mesh.configure('tuned', wrong)).toThrow(/maxInFlight.*failurs/s);
    expect(await largestShare()).toBeLessThan(0.6);
    const strategies: [StrategyName, isSticky: boolean][] = [
      ['consistent_hash', true],
      ['weighted_round_robin', false],
      ['consistent_hash', true],
      ['least_connections', false],
      ['round_robin', false],
    ];
    for (const [strategy, isSticky] of strategies) {
      mesh.configure('tuned', { strategy });
      const share = await largestShare();
      // A key goes to another instance now and then, where its own has calls in flight.
      if (isSticky) expect(share).toBeGreaterThan(0.6);
      else expect(share).toBeLessThan(0.6);
    }
    // So does a breaker that is made anew, and taking it all back.
    mesh.configure('tuned', { breaker: { failures: 2 }, maxInFlightPerInstance: 50 });
    expect(await largestShare()).toBeLessThan(0.6);
    mesh.configure('tuned', {});
    expect(await largestShare()).toBeLessThan(0.6);
    await calls.stop();
    expect(calls.failures()).toEqual([]);
  });

  it('B32, B33: names what is wrong at the start, too', () => {
    const at = { registry: stage.registry.address };
    expect(() => createMesh({ ...at, strategy: 'rund_robin' })).toThrow(/strategy.*round_robin/s);
    expect(() => createMesh({ ...at, retry: { maxAttempts: 99 } })).toThrow(
      /retry\.maxAttempts.*2 to 5/,
    );
    const services = { users: { breaker: { resetMs: '60s' } } } as never;
    expect(() => createMesh({ ...at, services })).toThrow(/services\.users\.breaker\.resetMs/);
  });
});

describe('a policy of one call site', () => {
  it('holds there and nowhere else, for clients and for stubs', async () => {
    const started = await stage.serve('sited', ['a', 'b']);
    const mesh = stage.join();
    const users = usersOf(mesh, 'sited');
    const own = mesh.client(UserServiceDefinition, {
      service: 'sited',
      policy: {
        strategy: 'consistent_hash',
        hashHeader: 'x-key',
        methods: { getUser: { defaultDeadlineMs: 100, retry: false } },
      },
    });
    await warmUp(users, started);
    for (const each of started) each.calls = 0;
    for (let i = 0; i < 10; i += 1) await own.getUser({ id: 'x' }, { hashKey: 'k' });
    expect(callsOf(started).sort()).toEqual([0, 10]);
    for (const each of started) each.calls = 0;
    for (let i = 0; i < 10; i += 1) await users.getUser({ id: 'x' }, { hashKey: 'k' });
    expect(callsOf(started)).toEqual([5, 5]);
    for (const { behaviour } of started) behaviour.delayMs = 250;
    await expect(own.getUser({ id: 'x' })).rejects.toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
    });
    await users.getUser({ id: 'x' });
    for (const { behaviour } of started)
      Object.assign(behaviour, { delayMs: 0, failWith: Status.UNAVAILABLE });
    for (const each of started) each.calls = 0;
    await expect(own.getUser({ id: 'x' })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(callsOf(started).sort()).toEqual([0, 1]);
    for (const { behaviour } of started) behaviour.failWith = undefined;
    const policy = { strategy: 'consistent_hash', hashHeader: 'x-key' } as const;
    const [sticky, plain] = [mesh.channel('sited', { policy }), mesh.channel('sited')];
    const path = '/user.v1.UserService/GetUser';
    for (const each of started) each.calls = 0;
    for (let i = 0; i < 10; i += 1) await stubCall(sticky, path, { 'x-key': 'k' });
    expect(callsOf(started).sort()).toEqual([0, 10]);
    for (let i = 0; i < 10; i += 1) await stubCall(plain, path, { 'x-key': 'k' });
    expect(callsOf(started).sort()).toEqual([15, 5]);
  });
});

describe('weights', () => {
  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('B11: %d is refused', async (weight) => {
    const address = { host: '127.0.0.1', port: 1 };
    const instance = { service: 'weighty', id: 'a', address, weight };
    const call = stage.admin.register({ instance, ttlSeconds: 10 });
    expect(await failureOf(call)).toEqual(badFields('instance.weight'));
    await expect(stage.serve('weighty', ['a'], { weight })).rejects.toThrow(/weight/);
    expect((await stage.host.discover('weighty')).instances).toEqual([]);
  });

  it('B11: 0 drains, live; B12: all 0 is an error that says so', async () => {
    const started = await stage.serve('drained', ['a', 'b']);
    const [a, b] = started as [EchoInstance, EchoInstance];
    const users = stage.users('drained', { strategy: 'weighted_round_robin' });
    await warmUp(users, started);
    const setWeight = (id: string, weight: number) =>
      stage.admin.updateInstance({ service: 'drained', id, weight });
    const split = async () => {
      for (const each of started) each.calls = 0;
      for (let i = 0; i < 40; i += 1) await users.getUser({ id: 'x' });
      return [a.calls, b.calls];
    };
    expect(await split()).toEqual([20, 20]);
    await setWeight('a', 3);
    await eventually(async () => expect(await split()).toEqual([30, 10]));
    a.behaviour.delayMs = 200;
    const inFlight = Array.from({ length: 4 }, () => users.getUser({ id: 'x' }));
    await eventually(() => expect(a.host.inFlight).toBeGreaterThan(0));
    await setWeight('a', 0);
    await eventually(async () => expect(await split()).toEqual([0, 40]));
    await Promise.all(inFlight);
    expect(a.cancelled).toBe(0);
    await setWeight('b', 0);
    const error = await eventually(async () => {
      const failure = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(failure).toMatchObject({ code: Status.UNAVAILABLE });
      return failure;
    });
    expect(error).toMatchObject({
      details: expect.stringMatching(/\(. has weight 0; . has weight 0\)/),
    });
    await setWeight('b', 1);
    await eventually(async () => expect(await split()).toEqual([0, 40]));
  });
});

describe('keys to hash', () => {
  it('B34: without one calls are spread; one of 1 MB is as good as any', async () => {
    const started = await stage.serve('keyed', ['a', 'b', 'c']);
    const users = stage.users('keyed', { strategy: 'consistent_hash', hashHeader: 'x-user' });
    await warmUp(users, started);
    const used = async (options: Parameters<typeof users.getUser>[1]) => {
      for (const each of started) each.calls = 0;
      for (let i = 0; i < 30; i += 1) await users.getUser({ id: 'x' }, options);
      return callsOf(started).filter((count) => count > 0).length;
    };
    expect(await used({})).toBe(3);
    expect(await used({ hashKey: '' })).toBe(3);
    expect(await used({ hashKey: 'k' })).toBe(1);
    const huge = 'k'.repeat(1024 * 1024);
    const began = performance.now();
    expect(await used({ hashKey: huge })).toBe(1);
    // No longer than a second even where 1 MB takes its time: it is not hashed as a whole.
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
