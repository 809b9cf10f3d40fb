import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createMesh, type Mesh, type ServeOptions, type ServiceHost } from '@weft/client-sdk';
import { serverTransport, silentLog } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { findGoCaller } from '../../scripts/tools/build-go-caller.ts';
import { eventually } from '../support/eventually.ts';
import { startInstance } from '../support/instance-process.ts';
import {
  callForLong,
  callFromGo,
  longCallRoute,
  untilClosingRoute,
} from '../support/long-calls.ts';
import { collected, StreamServiceDefinition, saying } from '../support/stream-service.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { describeWith } from '../support/tools.ts';

const LENGTHS_MS = [250, 2500, 4000];

let stage: TestMesh;
const { 'grpc.keepalive_time_ms': timeMs, 'grpc.keepalive_timeout_ms': timeoutMs } =
  serverTransport;
/** What the services of `serve` logged as a warning. */
const warnings: Record<string, unknown>[] = [];
let offering: Mesh;

async function serve(name: string, id: string, options: Partial<ServeOptions> = {}) {
  const routes = [longCallRoute(id)];
  // A machine that is too slow for the load must not refuse it.
  const usual = { handleSignals: false, shedding: false } as const;
  const host = await offering.serve({ name, id, routes, ...usual, ...options });
  stage.defer(() => host.close());
  await host.registered();
  return host;
}

/** A client of Weft that knows the instances of `service`. */
async function streamsOf(service: string) {
  const client = stage.join().client(StreamServiceDefinition, { service });
  await eventually(() => client.unary({ id: '0' }), { withinMs: 20_000 });
  return client;
}

/** grpc-js and nice-grpc as a program without Weft has them: Weft mends the keepalive of its own process. */
let plain: Pick<typeof import('@grpc/grpc-js'), 'Channel' | 'ChannelCredentials'> &
  Pick<typeof import('nice-grpc'), 'createClient'>;

/** A channel of grpc-js alone, in turn to fixed addresses, as a program without Weft makes one. */
function plainChannel(addresses: readonly string[], options = {}) {
  const credentials = plain.ChannelCredentials.createInsecure();
  const channel = new plain.Channel(`ipv4:${addresses.join(',')}`, credentials, {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  stage.defer(() => channel.close());
  return channel;
}

function plainClient(addresses: readonly string[], options = {}) {
  return plain.createClient(StreamServiceDefinition, plainChannel(addresses, options));
}

const addressesOf = (hosts: readonly ServiceHost[]) => hosts.map(({ address }) => address);

async function msOf(task: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await task;
  return performance.now() - startedAt;
}

/** A stream of each kind, open until the service closes: what each of them yields in the end. */
function openStreams(client: ReturnType<typeof plainClient>) {
  async function* open() {
    yield {};
    await pause(20_000, undefined, { ref: false });
  }
  const lastOf = async (stream: AsyncIterable<{ user?: { name: string } | undefined }>) =>
    (await collected(stream)).at(-1)?.user?.name;
  return Promise.all([
    lastOf(client.serverStream({})),
    lastOf(client.bidi(open())),
    client.clientStream(open()).then(({ user }) => user?.name),
  ]);
}

/** Waiting takes most of the time, so all wait side by side. */
const scenarios = {
  async drain() {
    const hosts = await Promise.all(['a', 'b'].map((id) => serve('draining', id)));
    const clients = { weft: await streamsOf('draining'), grpcJs: plainClient(addressesOf(hosts)) };
    const load = callForLong(clients, LENGTHS_MS);
    await pause(1000);
    await hosts[0]?.close();
    await load.stop();
    return load;
  },

  async age() {
    // One by one, as with ages of minutes: gRPC repeats a call that met two ends in a row no third time.
    const hosts = await Promise.all([
      serve('ageing', 'a', { maxConnectionAgeMs: 600 }),
      serve('ageing', 'b', { maxConnectionAgeMs: Number.POSITIVE_INFINITY }),
    ]);
    const clients = { weft: await streamsOf('ageing'), grpcJs: plainClient(addressesOf(hosts)) };
    const load = callForLong(clients, LENGTHS_MS);
    await pause(1500);
    await load.stop();
    return load;
  },

  async grpcGo() {
    if (findGoCaller() === undefined) return [];
    const drained = await Promise.all(['a', 'b'].map((id) => serve('draining-go', id)));
    const aged = await Promise.all([
      serve('ageing-go', 'a', { maxConnectionAgeMs: 600 }),
      serve('ageing-go', 'b'),
    ]);
    const loads = [drained, aged].map((hosts) => callFromGo(addressesOf(hosts), LENGTHS_MS));
    await pause(1500);
    await drained[0]?.close();
    await Promise.all(loads.map((load) => load.stop()));
    return loads;
  },

  /** Each call ends before the next begins: a connection has no call open now and then. */
  async ownKeepalive() {
    const hosts = await Promise.all(['a', 'b'].map((id) => serve('pinged', id)));
    const options = { 'grpc.keepalive_time_ms': 200 };
    const clients = hosts.map(({ address }) => [address, plainClient([address], options)] as const);
    const load = callForLong(Object.fromEntries(clients), [1500]);
    await pause(800);
    const stopped = load.stop();
    await Promise.all(hosts.map((host) => host.close()));
    await stopped;
    return load;
  },

  /** The client closes its connection, as it leaves or as the instance is no longer listed. */
  async closedByClient() {
    const hosts = await Promise.all([serve('left', 'a'), serve('unlisted', 'a')]);
    const [leaving, staying] = [stage.join(), stage.join()];
    const calls = [
      leaving.client(StreamServiceDefinition, { service: 'left' }),
      staying.client(StreamServiceDefinition, { service: 'unlisted' }),
    ].map(async (client) => {
      await eventually(() => client.unary({ id: '0' }), { withinMs: 20_000 });
      return { ended: client.unary({ id: '3500' }, { timeoutMs: 60_000 }) };
    });
    const [left, unlisted] = await Promise.all(calls);
    for (const host of hosts) {
      await eventually(() => expect(host.inFlight).toBe(1), { withinMs: 20_000 });
    }
    leaving.close();
    await stage.admin.deregister({ service: 'unlisted', id: 'a' });
    return Promise.all([left?.ended, unlisted?.ended]);
  },

  async closing() {
    const host = await serve('told', 'a', { routes: [untilClosingRoute('a')] });
    const leaving = plainChannel([host.address]);
    const left = plain.createClient(StreamServiceDefinition, leaving);
    const ends = [left, await streamsOf('told'), plainClient([host.address])].map(openStreams);
    await eventually(() => expect(host.inFlight).toBe(9), { withinMs: 20_000 });
    // The streams of a client that has sent a GOAWAY go on.
    leaving.close();
    await pause(100);
    const closingMs = await msOf(host.close());
    return { ends: await Promise.all(ends), closingMs };
  },

  async closingByAge() {
    const options = { routes: [untilClosingRoute('a')], maxConnectionAgeMs: 600 };
    await serve('old', 'a', options);
    return openStreams(await streamsOf('old'));
  },

  /** The server's process is frozen while it drains. */
  async frozenServer() {
    const environment = { STUB_DELAY_MS: '60000' };
    const instance = startInstance(stage.registry.address, 'frozen', 'a', 30, environment);
    stage.defer(() => instance.end());
    const users = stage.join().client(UserServiceDefinition, { service: 'frozen' });
    await eventually(() => users.listUsers({}), { withinMs: 20_000 });
    const call = users.getUser({ id: 'x' }, { timeoutMs: 30_000 }).catch(String);
    await pause(500);
    instance.signal('SIGTERM');
    // Until its GOAWAY is there.
    await pause(1000);
    instance.signal('SIGSTOP');
    return { ms: await msOf(call), error: await call };
  },

  /** The client is frozen, or cut off without a word, while the server drains. */
  async frozenClient() {
    serverTransport['grpc.keepalive_timeout_ms'] = 1500;
    const serving = serve('freezing', 'a');
    serverTransport['grpc.keepalive_timeout_ms'] = timeoutMs;
    const host = await serving;
    const proxy = await createTcpProxy(host.address);
    stage.defer(() => proxy.close());
    const call = plainClient([proxy.address]).unary({ id: '60000' });
    call.catch(() => {});
    await eventually(() => expect(host.inFlight).toBe(1), { withinMs: 20_000 });
    proxy.block('toClient');
    proxy.block('toServer');
    const closingMs = await msOf(host.close());
    return closingMs;
  },
};

type Results = { [name in keyof typeof scenarios]: ReturnType<(typeof scenarios)[name]> };
let results: Results;

beforeAll(async () => {
  await jest.isolateModulesAsync(async () => {
    plain = { ...(await import('@grpc/grpc-js')), ...(await import('nice-grpc')) };
  });
  stage = await TestMesh.start();
  const log = { ...silentLog, warn: (fields: object) => void warnings.push({ ...fields }) };
  offering = createMesh({ registry: stage.registry.address, log });
  stage.defer(() => offering.close());
  // The server's own pings come every 10 s; here they come during every drain.
  serverTransport['grpc.keepalive_time_ms'] = 700;
  const started = Object.entries(scenarios).map(([name, run]) => [name, run()] as const);
  // Each failure belongs to the test that waits for it.
  for (const [, run] of started) run.catch(() => {});
  results = Object.fromEntries(started) as Results;
});

afterAll(async () => {
  serverTransport['grpc.keepalive_time_ms'] = timeMs;
  await stage.close();
});

describe('calls in flight', () => {
  it('F29: calls and streams of any length finish while their instance drains', async () => {
    const { failures, calls } = await results.drain;
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThanOrEqual(24);
  });

  it('F27: calls and streams of any length outlive the age of their connection', async () => {
    const { failures, calls } = await results.age;
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThanOrEqual(24);
  });

  it('finish for a plain grpc-js client that pings, which GOAWAY would harm', async () => {
    const { failures, calls } = await results.ownKeepalive;
    expect(failures).toEqual([]);
    expect(calls).toBe(8);
  });

  it('finish when the client closes its mesh, or the instance is no longer listed', async () => {
    expect(await results.closedByClient).toEqual([saying('a'), saying('a')]);
  });

  it('have a signal by which their handlers learn that the service stops', async () => {
    const { ends, closingMs } = await results.closing;
    expect(ends).toEqual(Array(3).fill(Array(3).fill('closing')));
    expect(closingMs).toBeLessThan(10_000);
  });

  it('have a signal by which their handlers learn that the connection is too old', async () => {
    expect(await results.closingByAge).toEqual(Array(3).fill('closing'));
  });

  it('F2: fail within seconds when the server freezes while it drains', async () => {
    const { ms, error } = await results.frozenServer;
    expect(error).toMatch(/UNAVAILABLE/);
    // A ping every 2 s, which may take 2 s.
    expect(ms).toBeLessThan(10_000);
  });

  it('F29: of a client that freezes do not hold up a drain, and are logged', async () => {
    // Keepalive takes 2.2 s here, and the end of the socket 5 s; without both the drain takes its 30 s.
    expect(await results.frozenClient).toBeLessThan(15_000);
    expect(warnings).toContainEqual({
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      calls: { '/test.v1.StreamService/Unary': 1 },
    });
  });
});

describeWith(['go-caller'], 'calls in flight of grpc-go', () => {
  it('F27, F29: finish while their instance drains, and outlive the age of their connection', async () => {
    const loads = await results.grpcGo;
    expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { calls } of loads) expect(calls).toBeGreaterThanOrEqual(12);
    expect(loads).toHaveLength(2);
  });
});
