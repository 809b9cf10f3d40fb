import { expect, it, jest } from '@jest/globals';
import { callReport, createMesh, type Mesh, type MeshEventMap, Status } from '@weft/client-sdk';
import { EtcdStore, type Registry } from '@weft/registry';
import { freePort } from '../../../orchestrator/src/process/ports.ts';
import { serveEcho } from '../../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { eventually } from '../../support/eventually.ts';
import { watchForOwnStalls } from '../../support/own-stalls.ts';
import { createTestRegistry } from '../../support/registry.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { createTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { usersOf } from '../../support/test-mesh.ts';
import { describeWith } from '../../support/tools.ts';

const IDS = ['a', 'b', 'c'];
/** How long calls and changes may take: a busy machine is no outage. */
const PATIENT_MS = 30_000;

jest.setTimeout(90_000);

/** A registry over an etcd of its own for each test, as they run at once and break them. */
class World implements AsyncDisposable {
  readonly #cleanup: (() => unknown)[] = [];
  readonly etcd: TestEtcd;
  readonly port: number;
  /** Through it instances reach the registry: cut, they cannot keep or renew their leases. */
  readonly proxy: TcpProxy;
  registry: Registry;

  private constructor(etcd: TestEtcd, port: number, registry: Registry, proxy: TcpProxy) {
    this.etcd = etcd;
    this.port = port;
    this.registry = registry;
    this.proxy = proxy;
  }

  static async start(): Promise<World> {
    const etcd = await createTestEtcd();
    const port = await freePort('127.0.0.1');
    const registry = await startRegistry(etcd, port);
    return new World(etcd, port, registry, await createTcpProxy(registry.address));
  }

  /** After `registry.close()`. */
  async startRegistry(): Promise<void> {
    this.registry = await startRegistry(this.etcd, this.port);
  }

  /** Runs `undo` when the test is over, the last one first. */
  defer(undo: () => unknown): void {
    this.#cleanup.push(undo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#cleanup.reverse()) await undo();
    await this.proxy.close();
    await this.registry.close();
    await this.etcd.close();
  }
}

async function startRegistry(etcd: TestEtcd, port: number): Promise<Registry> {
  const store = new EtcdStore({ endpoints: [etcd.endpoint], confirmMs: 500 });
  return createTestRegistry({ port, store });
}

/** Three instances of a service that are listed, and a client that calls them all the while. */
async function stage(world: World, service: string, ttlSeconds = 2) {
  const host = createMesh({ registry: world.proxy.address });
  world.defer(() => host.close());
  const serve = (id: string) => serveEcho(host, id, { name: service, ttlSeconds, shedding: false });
  const started = await Promise.all(IDS.map(serve));
  world.defer(() => Promise.all(started.map((each) => each.host.close())));
  await Promise.all(started.map((each) => each.host.registered()));
  const client = createMesh({ registry: `127.0.0.1:${world.port}` });
  world.defer(() => client.close());
  const users = usersOf(client, service);
  const told = followEvents(client);
  await eventually(async () => expect(await listed(client, service)).toHaveLength(3));
  const load = callSteadily(50, (report) =>
    users.getUser({ id: 'x' }, { ...report, timeoutMs: PATIENT_MS }),
  );
  world.defer(() => load.stop());
  const stalls = watchForOwnStalls();
  world.defer(() => stalls.close());
  const failures = () => load.failures().filter((call) => !stalls.heldUp(call));
  /** The fewest instances that the client has ever gone by. */
  let fewest = 3;
  const look = setInterval(async () => {
    fewest = Math.min(fewest, (await listed(client, service)).length);
  }, 5);
  world.defer(() => clearInterval(look));
  return {
    world,
    service,
    host,
    started,
    client,
    users,
    load,
    failures,
    told,
    fewest: () => fewest,
  };
}

function followEvents(mesh: Mesh) {
  const kept: MeshEventMap['snapshotKept'][0][] = [];
  const released: MeshEventMap['snapshotReleased'][0][] = [];
  mesh.events.on('snapshotKept', (event) => kept.push(event));
  mesh.events.on('snapshotReleased', (event) => released.push(event));
  return { kept, released };
}

async function listed(mesh: Mesh, service: string) {
  return (await mesh.discover(service)).instances;
}

async function keys({ etcd }: World): Promise<string> {
  return etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/services/');
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** The client goes by all three though the registry lists none, and says so wherever one may look. */
async function expectKept({ world, service, started, client, users, told }: Stage, reason: RegExp) {
  await eventually(() => expect(told.kept).not.toEqual([]), { withinMs: PATIENT_MS });
  const count = { kept: 3, listed: 0 };
  expect(told.kept[0]).toMatchObject({
    service,
    ...count,
    reason: expect.stringMatching(reason),
  });
  expect(world.registry.store.catalog.instances(service)).toEqual([]);
  expect(await client.discover(service)).toMatchObject({ kept: 3, stale: true });
  for (const { behaviour } of started) behaviour.failWith = Status.INTERNAL;
  const error = await users.createUser({ name: 'x' }).catch((e: unknown) => e);
  for (const { behaviour } of started) behaviour.failWith = undefined;
  expect(callReport(error)).toMatchObject({ candidates: 3, kept: { count: 3 } });
}

/** All are listed again, and the client has never gone by fewer. */
async function expectReleased({ service, client, load, failures, told, fewest }: Stage) {
  await eventually(() => expect(told.released.at(-1)).toMatchObject({ service, listed: 3 }), {
    withinMs: PATIENT_MS,
  });
  expect(await client.discover(service)).toMatchObject({ kept: 0, stale: false });
  expect(await listed(client, service)).toHaveLength(3);
  await load.stop();
  expect(fewest()).toBe(3);
  // Those that were told to fail for a moment were called once or twice then.
  const failed = failures().filter(({ status }) => status !== 'INTERNAL');
  expect(failed).toEqual([]);
}

describeWith(['etcd', 'etcdctl'], 'a client whose registry is in trouble', () => {
  it.concurrent('F11: goes by what it knew, marked stale, while etcd is away', async () => {
    await using world = await World.start();
    const { service, client, load, failures, told, fewest } = await stage(
      world,
      'without-store',
      60,
    );
    const before = await listed(client, service);
    await world.etcd.stop();
    try {
      await eventually(async () => expect((await client.discover(service)).stale).toBe(true));
      expect(await client.discover(service)).toMatchObject({ instances: before, kept: 0 });
    } finally {
      await world.etcd.start();
    }
    await eventually(async () => expect((await client.discover(service)).stale).toBe(false), {
      withinMs: PATIENT_MS,
    });
    await load.stop();
    expect(failures()).toEqual([]);
    expect(fewest()).toBe(3);
    expect(told.kept).toEqual([]);
  });

  it.concurrent('F14, F15: keeps all when etcd lost its data, until they are listed again', async () => {
    await using world = await World.start();
    const it = await stage(world, 'wiped', 60);
    world.proxy.cut();
    await world.etcd.stop();
    await world.etcd.start({ wipe: true });
    await expectKept(it, /lost its store/);
    world.proxy.restore();
    await expectReleased(it);
  });

  it.concurrent('F14, F15: keeps all when the registry was away for longer than their leases live', async () => {
    await using world = await World.start();
    const it = await stage(world, 'stopped', 5);
    world.proxy.cut();
    await world.registry.close();
    await eventually(async () => expect(await keys(world)).toBe(''), { withinMs: PATIENT_MS });
    await world.startRegistry();
    await expectKept(it, /watch broke/);
    world.proxy.restore();
    await expectReleased(it);
  });

  it.concurrent('F14: sees at once that a service was scaled to nothing, even after a reconnect', async () => {
    await using world = await World.start();
    const { service, client, host, started, load, told } = await stage(world, 'scaled', 60);
    await load.stop();
    await world.registry.close();
    await world.startRegistry();
    // Once the client sees one that came later, its watch goes on.
    const late = await serveEcho(host, 'late', { name: service, ttlSeconds: 60 });
    await eventually(async () => expect(await listed(client, service)).toHaveLength(4));
    started.push(late);
    const leases = async () => (await listed(client, service)).map(({ leaseId }) => leaseId);
    await Promise.all(started.map((each) => each.host.close()));
    await eventually(async () => expect(await leases()).toEqual([]), { withinMs: 1000 });
    expect(told.kept).toEqual([]);
  });

  it.concurrent('F14: believes that all are lost while registry and store are well', async () => {
    await using world = await World.start();
    const { service, client, load, told } = await stage(world, 'lost');
    await load.stop();
    world.proxy.cut();
    await eventually(async () => expect(await listed(client, service)).toEqual([]), {
      withinMs: PATIENT_MS,
    });
    expect(told.kept).toEqual([]);
    expect(await client.discover(service)).toMatchObject({ kept: 0, stale: false });
    world.proxy.restore();
  });
});
