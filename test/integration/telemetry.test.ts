import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Status } from '@weft/client-sdk';
import { InstanceStatus } from '@weft/proto/registry';
import {
  BreakerState,
  EventKind,
  type TelemetryServiceClient,
  TelemetryServiceDefinition,
  type WatchTrafficResponse,
} from '@weft/proto/telemetry';
import { createChannel, createClient } from 'nice-grpc';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { TestMesh, usersOf, warmUp } from '../support/test-mesh.ts';

let stage: TestMesh;
let telemetry: TelemetryServiceClient;
let close: () => void;

beforeAll(async () => {
  stage = await TestMesh.start();
  const channel = createChannel(stage.registry.address);
  telemetry = createClient(TelemetryServiceDefinition, channel);
  close = () => channel.close();
});

afterEach(() => stage.clear());
afterAll(async () => {
  close();
  await stage.close();
});

/** Follows a stream in the background; `latest` is what it brought last. */
function follow<T>(start: (signal: AbortSignal) => AsyncIterable<T>) {
  const stopper = new AbortController();
  const seen: T[] = [];
  const reading = (async () => {
    for await (const message of start(stopper.signal)) seen.push(message);
  })().catch(() => {});
  stage.defer(async () => {
    stopper.abort();
    await reading;
  });
  return seen;
}

const PATH = '/user.v1.UserService/GetUser';

describe('the traffic of a mesh', () => {
  it('is reported by callers and told by the registry, edge by edge', async () => {
    const started = await stage.serve('echo', ['a', 'b']);
    const users = stage.users('echo', { telemetry: { intervalMs: 100 } });
    await warmUp(users, started);
    const seen = follow<WatchTrafficResponse>((signal) =>
      telemetry.watchTraffic({ intervalMs: 250, service: 'echo', detailed: true }, { signal }),
    );
    for (let round = 0; round < 40; round += 1) await users.getUser({ id: 'x' });
    await eventually(() => {
      const latest = seen.at(-1);
      expect(latest?.instances.map(({ instanceId }) => instanceId).sort()).toEqual(['a', 'b']);
      expect(latest?.services).toHaveLength(1);
      const [edge] = latest?.services ?? [];
      expect(edge).toMatchObject({ service: 'echo', errorRate: 0, caller: { service: '' } });
      expect(edge?.caller?.instanceId).toMatch(/@.*:\d+$/);
      expect(edge?.rate).toBeGreaterThan(4);
      expect(edge?.p99Ms).toBeGreaterThanOrEqual(edge?.p50Ms ?? Number.NaN);
      expect(edge?.p50Ms).toBeGreaterThan(0);
      expect(new Set(latest?.details.map(({ method }) => method))).toEqual(new Set([PATH]));
    });
  });

  it('names the calling service, and shows its breakers and what befell instances', async () => {
    const [bad] = await stage.serve('callee', ['bad', 'good']);
    const caller = stage.join({ telemetry: { intervalMs: 100 } });
    const { host } = await serveEcho(caller, 'caller-1', { name: 'caller' });
    stage.defer(() => host.close());
    const events = follow((signal) => telemetry.watchEvents({ service: 'callee' }, { signal }));
    const traffic = follow((signal) => telemetry.watchTraffic({ intervalMs: 250 }, { signal }));
    const users = usersOf(caller, 'callee');
    if (bad) bad.behaviour.failWith = Status.INTERNAL;
    await eventually(async () => {
      await users.getUser({ id: 'x' }).catch(() => {});
      expect(caller.breakers().some(({ state }) => state === 'open')).toBe(true);
    });
    await eventually(() => {
      const told = events.flatMap((message) => message.events);
      expect(told).toContainEqual(
        expect.objectContaining({
          kind: EventKind.EVENT_KIND_BREAKER_OPENED,
          instanceId: 'bad',
          caller: { service: 'caller', instanceId: 'caller-1' },
        }),
      );
      expect(traffic.at(-1)?.breakers).toMatchObject([
        { caller: { service: 'caller' }, breaker: { service: 'callee', instanceId: 'bad' } },
      ]);
      const edge = traffic.at(-1)?.services.find(({ service }) => service === 'callee');
      expect(edge?.caller).toEqual({ service: 'caller', instanceId: '' });
      expect(edge?.errorRate).toBeGreaterThan(0);
    });
  });

  it('knows of calls under way before they have ended', async () => {
    const [slow] = await stage.serve('slow', ['a']);
    const users = stage.users('slow', { telemetry: { intervalMs: 100 } });
    await warmUp(users, slow ? [slow] : []);
    if (slow) slow.behaviour.delayMs = 600_000;
    const closer = new AbortController();
    const calls = [1, 2, 3].map(() =>
      users.getUser({ id: 'x' }, { signal: closer.signal, timeoutMs: 700_000 }),
    );
    const ended = Promise.allSettled(calls);
    const seen = follow((signal) => telemetry.watchTraffic({ intervalMs: 250 }, { signal }));
    await eventually(() => {
      const edge = seen.at(-1)?.services.find(({ service }) => service === 'slow');
      expect(edge?.inFlight).toBeGreaterThan(1.5);
      expect(edge?.inFlight).toBeLessThan(4);
    });
    closer.abort();
    await ended;
  });

  it('is not reported by a process that was told not to', async () => {
    const started = await stage.serve('quiet', ['a']);
    const users = stage.users('quiet', { telemetry: false });
    await warmUp(users, started);
    const [loud] = await stage.serve('loud', ['a']);
    await warmUp(stage.users('loud', { telemetry: { intervalMs: 100 } }), loud ? [loud] : []);
    const seen = follow((signal) => telemetry.watchTraffic({ intervalMs: 250 }, { signal }));
    await eventually(() => {
      const services = seen.at(-1)?.services.map(({ service }) => service);
      expect(services).toContain('loud');
      expect(services).not.toContain('quiet');
    });
  });
});

describe('what befalls instances', () => {
  it('is told as it happens, and afterwards', async () => {
    const events = follow((signal) => telemetry.watchEvents({ service: 'told' }, { signal }));
    const remove = await stage.list(5000, { service: 'told', id: 'a' });
    const name = { service: 'told', id: 'a' };
    await stage.admin.updateInstance({ ...name, weight: 3 });
    const status = InstanceStatus.INSTANCE_STATUS_STOPPING;
    await stage.admin.updateInstance({ ...name, status });
    await remove();
    const expected = [
      [EventKind.EVENT_KIND_REGISTERED, 'at 127.0.0.1:5000'],
      [EventKind.EVENT_KIND_UPDATED, 'weight 3'],
      [EventKind.EVENT_KIND_DRAINING, 'RUNNING -> STOPPING'],
      [EventKind.EVENT_KIND_DEREGISTERED, ''],
    ];
    await eventually(() => {
      const told = events.flatMap((message) => message.events);
      expect(told.map(({ kind, detail }) => [kind, detail])).toEqual(expected);
      expect(told.every(({ instanceId, caller }) => instanceId === 'a' && !caller)).toBe(true);
    });
    const last = telemetry.watchEvents({ service: 'told', last: 2, noFollow: true });
    for await (const message of last) {
      expect(message.events.map(({ kind, detail }) => [kind, detail])).toEqual(expected.slice(-2));
    }
  });
});

describe('an order to open breakers', () => {
  const order = { service: 'ordered', instanceId: 'a', state: BreakerState.BREAKER_STATE_OPEN };

  it('is refused where the registry was not told to allow it', async () => {
    await stage.serve('ordered', ['a']);
    await expect(telemetry.orderBreaker(order)).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining('--allow-actions'),
    });
  });

  it.each([
    ['service', { ...order, service: '../x' }],
    ['instance_id', { ...order, instanceId: '' }],
    ['state', { ...order, state: BreakerState.BREAKER_STATE_HALF_OPEN }],
    ['caller_instance_id', { ...order, callerInstanceId: 'x'.repeat(129) }],
  ])('is refused naming %s', async (field, request) => {
    await expect(telemetry.orderBreaker(request)).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: expect.stringContaining(`${field}: `),
    });
  });
});

describe('a report that is wrong', () => {
  const caller = { service: '', instanceId: 'test' };
  const edge = { service: 'echo', instanceId: 'a', method: PATH };

  it.each([
    ['caller', { intervalMs: 1000 }],
    ['caller.service', { intervalMs: 1000, caller: { service: 'No', instanceId: 'x' } }],
    ['caller.instance_id', { intervalMs: 1000, caller: { service: '', instanceId: '' } }],
    ['interval_ms', { caller }],
    ['edges', { intervalMs: 1000, caller, edges: Array.from({ length: 5001 }, () => edge) }],
    ['edges[0].service', { intervalMs: 1000, caller, edges: [{ ...edge, service: '../x' }] }],
    [
      'edges[0].statuses',
      { intervalMs: 1000, caller, edges: [{ ...edge, statuses: new Map([[17, 1n]]) }] },
    ],
    [
      'edges[0].latency.counts',
      { intervalMs: 1000, caller, edges: [{ ...edge, latency: { counts: new Map([[81, 1n]]) } }] },
    ],
    [
      'edges[0].latency.sum_ms',
      { intervalMs: 1000, caller, edges: [{ ...edge, latency: { sumMs: Number.NaN } }] },
    ],
    ['edges[0].busy_ms', { intervalMs: 1000, caller, edges: [{ ...edge, busyMs: -1 }] }],
    ['edges[0].busy_ms', { intervalMs: 1000, caller, edges: [{ ...edge, busyMs: 1e15 }] }],
    ['breakers[0].service', { intervalMs: 1000, caller, breakers: [{ service: '' }] }],
    [
      'events[0].kind',
      {
        intervalMs: 1000,
        caller,
        events: [{ service: 'echo', kind: EventKind.EVENT_KIND_REGISTERED }],
      },
    ],
    [
      'events[0].detail',
      { intervalMs: 1000, caller, events: [{ service: 'echo', detail: 'x'.repeat(201) }] },
    ],
  ])('is refused naming %s, and nothing of it is kept', async (field, report) => {
    await expect(telemetry.report(report as never)).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: expect.stringContaining(`${field}:`),
    });
  });

  it.each([
    ['interval_ms', telemetryCall((client) => client.watchTraffic({ intervalMs: 100 }))],
    ['service', telemetryCall((client) => client.watchTraffic({ service: 'a/b' }))],
    ['last', telemetryCall((client) => client.watchEvents({ last: 1001 }))],
  ])('a watch is refused naming %s', async (field, call) => {
    await expect(call()).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: expect.stringContaining(`${field}:`),
    });
  });
});

function telemetryCall(open: (client: TelemetryServiceClient) => AsyncIterable<unknown>) {
  return async () => {
    for await (const _ of open(telemetry)) return;
  };
}
