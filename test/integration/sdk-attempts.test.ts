import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { CallReport, MeshOptions } from '@weft/client-sdk';
import { route } from '@weft/proto';
import type { EchoInstance } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { collected, StreamServiceDefinition, saying } from '../support/stream-service.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { TestMesh, usersOf, warmUp } from '../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const runsOf = (started: readonly EchoInstance[]) => started.map(({ calls }) => calls);
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** Lists a way to `instance` that can be held up, under another service name. */
async function listProxy(instance: EchoInstance, service: string): Promise<TcpProxy> {
  const { id, address } = instance.host.instance;
  const proxy = await createTcpProxy(`127.0.0.1:${address?.port}`);
  stage.defer(() => proxy.close());
  await stage.list(Number(proxy.address.split(':')[1]), { service, id });
  return proxy;
}

/** What becomes of the instances of a client: ejections and changes of breakers. */
function eventsOf(mesh: ReturnType<TestMesh['join']>): string[] {
  const events: string[] = [];
  mesh.events.on('instanceEjected', ({ instanceId, reason }) =>
    events.push(`${instanceId}: ${reason}`),
  );
  mesh.events.on('breakerChanged', ({ instanceId, to }) => events.push(`${instanceId}: ${to}`));
  return events;
}

describe('hedges', () => {
  const hedged = (maxAttempts: number, retryBudget: MeshOptions['retryBudget']) =>
    ({ hedging: { maxAttempts, delayMs: 20 }, retryBudget }) as MeshOptions;

  it('K6: of a call that waits for its connection are not sent without a budget', async () => {
    const started = await stage.serve('unfunded', ['a', 'b', 'c']);
    for (const each of started) (await listProxy(each, 'unfunded-far')).latencyMs = 100;
    const options = hedged(3, { ratio: 0, minPerSecond: 0 });
    const users = usersOf(stage.join(options), 'unfunded-far');
    await Promise.all(Array.from({ length: 5 }, () => users.getUser({ id: 'x' })));
    expect(sum(runsOf(started))).toBe(5);
  });

  it('K6: of a call that waits for its connection go to other instances, one delay apart', async () => {
    const started = await stage.serve('funded', ['a', 'b', 'c']);
    for (const each of started) {
      each.behaviour.delayMs = 400;
      (await listProxy(each, 'funded-far')).latencyMs = 100;
    }
    const users = usersOf(stage.join(hedged(3, { ratio: 1, minPerSecond: 100 })), 'funded-far');
    const reports: CallReport[] = [];
    await users.getUser({ id: 'x' }, { onReport: (report) => reports.push(report) });
    expect(runsOf(started)).toEqual([1, 1, 1]);
    expect(reports[0]?.attempts).toHaveLength(3);
  });
});

describe('perTryTimeoutMs', () => {
  it.each([1, 2, 3])(
    'K5: does not give up the last possible attempt at %i instances',
    async (count) => {
      const service = `tries-${count}`;
      const started = await stage.serve(service, ['a', 'b', 'c'].slice(0, count));
      const retry = { maxAttempts: 3, perTryTimeoutMs: 100 };
      const users = usersOf(stage.join({ retry }), service);
      await warmUp(users, started);
      for (const { behaviour } of started) behaviour.delayMs = 300;
      await Promise.all(Array.from({ length: 4 }, () => users.getUser({ id: 'x' })));
      expect(sum(runsOf(started))).toBe(4 * count);
    },
  );

  it('K5: does not give up the last attempt that maxAttempts allows', async () => {
    const started = await stage.serve('tries-most', ['a', 'b', 'c', 'd']);
    const retry = { maxAttempts: 2, perTryTimeoutMs: 100 };
    const users = usersOf(stage.join({ retry }), 'tries-most');
    await warmUp(users, started);
    for (const { behaviour } of started) behaviour.delayMs = 300;
    await Promise.all(Array.from({ length: 4 }, () => users.getUser({ id: 'x' })));
    expect(sum(runsOf(started))).toBe(8);
  });
});

describe('a slow call of a fast method', () => {
  it('K3: ejects no instance, and is not moved', async () => {
    const started = await stage.serve('slow-call', ['a', 'b', 'c', 'd']);
    const mesh = stage.join();
    const users = usersOf(mesh, 'slow-call');
    await warmUp(users, started);
    for (let i = 0; i < 40; i += 1) await users.getUser({ id: 'x' });
    const events = eventsOf(mesh);
    for (const each of started) {
      each.calls = 0;
      each.behaviour.delayMs = 1200;
    }
    await users.getUser({ id: 'x' }, { timeoutMs: 2000 });
    expect(sum(runsOf(started))).toBe(1);
    expect(events).toEqual([]);
  });

  it('K4: is left at a frozen instance while no other can take it', async () => {
    const started = await stage.serve('frozen-call', ['a', 'b']);
    const proxies = await Promise.all(started.map((each) => listProxy(each, 'frozen-far')));
    const mesh = stage.join();
    const users = usersOf(mesh, 'frozen-far');
    await warmUp(users, started);
    for (let i = 0; i < 40; i += 1) await users.getUser({ id: 'x' });
    mesh
      .breakers()
      .find(({ instanceId }) => instanceId === 'b')
      ?.open();
    for (const proxy of proxies) proxy.block('toClient');
    const call = users.getUser({ id: 'x' }, { timeoutMs: 5000 });
    await pause(1500);
    for (const proxy of proxies) proxy.restore();
    expect((await call).user?.name).toBe('a');
  });
});

describe('breakers of services that are called by streams', () => {
  it('K2: close with the first response of a stream, and count what streams yield', async () => {
    let isFailing = true;
    const host = await stage.host.serve({
      name: 'streaming',
      id: 'a',
      handleSignals: false,
      settleMs: 0,
      routes: [
        route(StreamServiceDefinition, {
          unary: async () => {
            if (isFailing) throw new Error('told to fail');
            return saying('a');
          },
          async *serverStream(_, { signal }) {
            while (!signal.aborted) {
              yield saying('a');
              await pause(50);
            }
          },
          clientStream: async () => saying('a'),
          async *bidi() {},
        }),
      ],
    });
    stage.defer(() => host.close());
    await host.registered();
    const breaker = { failures: 5, resetMs: 300, probeTimeoutMs: 1500 };
    const mesh = stage.join({ breaker });
    const client = mesh.client(StreamServiceDefinition, { service: 'streaming' });
    const end = new AbortController();
    stage.defer(() => end.abort());
    const live = () => collected(client.serverStream({}, { signal: end.signal })).catch(() => []);
    const stateOf = () => mesh.breakers()[0]?.state;

    const fail = () => client.unary({}).catch(() => {});
    for (let i = 0; i < 6; i += 1) await fail();
    expect(stateOf()).toBe('open');
    await eventually(() => expect(stateOf()).toBe('half-open'));
    const streams = [live()];
    await eventually(() => expect(stateOf()).toBe('closed'), { withinMs: 1400 });

    for (let i = 0; i < 20; i += 1) streams.push(live());
    await pause(1600);
    for (let i = 0; i < 7; i += 1) await fail();
    expect(stateOf()).toBe('closed');
    isFailing = false;
    end.abort();
    await Promise.all(streams);
  });
});
