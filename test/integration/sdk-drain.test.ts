import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { silentLog } from '@weft/proto';
import { InstanceStatus, type WatchDrainResponse } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import { EtcdStore, type Registry } from '@weft/registry';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { startInstance } from '../support/instance-process.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { startRegistry } from '../support/registry-process.ts';
import { failureOf } from '../support/services.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

type Admin = ReturnType<typeof createRegistryClient>;

let etcd: TestEtcd;
/** Two replicas, and a client of each. */
let registries: Registry[];
let admins: Admin[];
const cleanup: (() => unknown)[] = [];
/** What the offered services logged as a warning. */
const warnings: { clients?: string[]; tookMs?: number }[] = [];

function join(registry: string): Mesh {
  const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) };
  const mesh = createMesh({ registry, log });
  cleanup.push(() => mesh.close());
  return mesh;
}

/** Offers an instance through the first replica. */
async function serve(service: string, options = {}): Promise<EchoInstance> {
  const mesh = join(registries[0]?.address ?? '');
  const echo = await serveEcho(mesh, 'a', { name: service, ...options });
  cleanup.push(() => echo.host.close());
  await echo.host.registered();
  return echo;
}

/** Watches through the second replica as a client that is to acknowledge and never does. */
async function watchIdly(
  service: string,
  client: string,
  watchId = randomUUID(),
): Promise<WatchRecorder> {
  const request = { services: [service], client, watchId };
  const watch = new WatchRecorder(admins[1]?.client as Admin['client'], request);
  cleanup.push(() => watch.stop());
  await eventually(() => expect(watch.messages.length).toBeGreaterThan(0));
  return watch;
}

async function closingMs({ host }: EchoInstance): Promise<number> {
  const startedAt = performance.now();
  await host.close();
  return performance.now() - startedAt;
}

describeWith(['etcd', 'etcdctl'], 'an instance that leaves', () => {
  beforeAll(async () => {
    etcd = await createTestEtcd();
    const create = () => createTestRegistry({ etcd: etcd.endpoint });
    registries = [await create(), await create()];
    admins = registries.map(({ address }) => createRegistryClient(address));
    await eventually(async () => {
      const keys = await etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/registries/');
      expect(keys.match(/registries/g)).toHaveLength(2);
    });
  });

  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
    warnings.length = 0;
  });

  afterAll(async () => {
    for (const { close } of admins) close();
    for (const registry of registries) await registry.close();
    await etcd.close();
  });

  it('F29: serves until clients of every replica call others, and fails no call', async () => {
    const leaving = await serve('prompt', { settleMs: 20_000 });
    const staying = await serveEcho(join(registries[1]?.address ?? ''), 'b', { name: 'prompt' });
    cleanup.push(() => staying.host.close());
    await staying.host.registered();
    const clients = registries.map(({ address }) =>
      join(address).client(UserServiceDefinition, { service: 'prompt' }),
    );
    let isOver = false;
    const calling = clients.map(async (users) => {
      while (!isOver) await users.getUser({ id: 'x' }, { retry: false } as object);
    });
    await eventually(() => expect(leaving.calls).toBeGreaterThan(20));
    // Far from the 20 s that it would wait without being told.
    expect(await closingMs(leaving)).toBeLessThan(10_000);
    isOver = true;
    await Promise.all(calling);
    expect(staying.calls).toBeGreaterThan(0);
    expect(warnings.filter(({ clients: slow }) => slow)).toEqual([]);
  });

  it('F29: is STOPPING first, then without new calls, ends those it has, and then is gone', async () => {
    const order: string[] = [];
    const echo = await serve('ordered', { onClose: () => void order.push('closed') });
    const recorder = new WatchRecorder(admins[1]?.client as Admin['client'], {
      services: ['ordered'],
    });
    cleanup.push(() => recorder.stop());
    await eventually(() => expect(recorder.ids).toEqual(['a']));
    const users = join(registries[1]?.address ?? '').client(UserServiceDefinition, {
      service: 'ordered',
    });
    await users.getUser({ id: 'warm' });
    echo.behaviour.delayMs = 500;
    const inFlight = users.getUser({ id: 'x' }).then(() => order.push('answered'));
    await eventually(() => expect(echo.calls).toBe(2));
    await echo.host.close();
    await inFlight;
    expect(order).toEqual(['answered', 'closed']);
    await eventually(() => expect(recorder.ids).toEqual([]));
    const told = recorder.messages.flatMap(({ events }) => events?.events ?? []);
    const { INSTANCE_STATUS_STOPPING } = InstanceStatus;
    // The first may come twice, when a renewal falls in with it.
    const steps = told.map(({ type, instance }) => `${type} ${instance?.status}`);
    expect([...new Set(steps)]).toEqual([
      `1 ${INSTANCE_STATUS_STOPPING}`,
      `2 ${INSTANCE_STATUS_STOPPING}`,
    ]);
    expect(steps.at(-1)).toBe(`2 ${INSTANCE_STATUS_STOPPING}`);
    await expect(users.getUser({ id: 'y' })).rejects.toThrow(/no instances/);
  });

  it('waits for a client that does not say so, no longer than told, and names it', async () => {
    const echo = await serve('held', { acknowledgeMs: 700, settleMs: 20_000 });
    await watchIdly('held', 'lazy-service/1');
    const tookMs = await closingMs(echo);
    expect(tookMs).toBeGreaterThan(650);
    expect(tookMs).toBeLessThan(10_000);
    expect(warnings).toContainEqual(expect.objectContaining({ clients: ['lazy-service/1'] }));
    expect(await etcd.ctl('get', '--prefix', '/weft/v1/services/held/')).toBe('');
  });

  it('waits for the client of a replica that joined a moment ago', async () => {
    const echo = await serve('young', { acknowledgeMs: 500, settleMs: 20_000 });
    const registry = await createTestRegistry({ etcd: etcd.endpoint });
    cleanup.push(() => registry.close());
    const { client, close } = createRegistryClient(registry.address);
    cleanup.push(close);
    const request = { services: ['young'], client: 'lazy/1', watchId: randomUUID() };
    const watch = new WatchRecorder(client, request);
    cleanup.push(() => watch.stop());
    await eventually(async () => {
      expect(watch.messages.length).toBeGreaterThan(0);
      const keys = await etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/registries/');
      expect(keys.match(/registries/g)).toHaveLength(3);
    });
    await closingMs(echo);
    // The replica itself may have had clients before, too.
    const clients = expect.arrayContaining(['lazy/1']);
    expect(warnings).toContainEqual(expect.objectContaining({ clients }));
  });

  it('waits 8 s for a client that is gone, and for one that lost its watch until it is back anywhere', async () => {
    const echo = await serve('released', { settleMs: 20_000 });
    const gone = await watchIdly('released', 'gone/1');
    const watchId = randomUUID();
    const resuming = await watchIdly('released', 'resuming/1', watchId);
    const told: WatchDrainResponse[] = [];
    const closed = closingMs(echo);
    const last = () => [...resuming.held.values()][0];
    await eventually(() => expect(last()?.status).toBe(InstanceStatus.INSTANCE_STATUS_STOPPING));
    await eventually(() => expect(resuming.messages.at(-1)?.acknowledge).toBe(true));
    const revision = last()?.modRevision ?? 0n;
    const drain = (async () => {
      const request = { service: 'released', revision, listedMs: 1n };
      for await (const answer of admins[0]?.client.watchDrain(request) ?? []) told.push(answer);
    })();
    const holders = () =>
      told
        .at(-1)
        ?.holders.map(({ client }) => client)
        .sort();
    await eventually(() => expect(holders()).toEqual(['gone/1', 'resuming/1']));
    const goneAt = performance.now();
    await gone.stop();
    await resuming.stop();
    const resumed = new WatchRecorder(admins[0]?.client as Admin['client'], {
      services: ['released'],
      client: 'resuming/1',
      watchId,
      fromRevision: revision,
    });
    cleanup.push(() => resumed.stop());
    await eventually(() => expect(holders()).toEqual(['gone/1']));
    expect(performance.now() - goneAt).toBeLessThan(4000);
    await drain;
    expect(performance.now() - goneAt).toBeGreaterThan(7500);
    expect(told.at(-1)).toMatchObject({ holders: [], holderCount: 0 });
    await closed;
  });

  it('waits for no client that has closed its mesh', async () => {
    const echo = await serve('closed');
    const mesh = join(registries[1]?.address ?? '');
    await mesh.discover('closed');
    mesh.close();
    expect(await closingMs(echo)).toBeLessThan(2000);
  });

  it('F20: counts a replica that does not answer as a client, until it is known to be dead', async () => {
    const frozen = startRegistry({ flags: ['--etcd', etcd.endpoint, '--port', '0'] });
    cleanup.push(() => frozen.end());
    const frozenAddress = await frozen.ready();
    const { client } = admins[0] as Admin;
    const instance = { service: 'apart', id: 'a', address: { host: '127.0.0.1', port: 1 } };
    const { revision } = await client.register({ instance });
    await eventually(async () => {
      const others = await etcd.ctl('get', '--prefix', '/weft/v1/registries/');
      expect(others).toContain(frozenAddress);
    });
    frozen.child.kill('SIGSTOP');
    const frozenName = `registry ${frozenAddress}`;
    const first = async () => {
      for await (const { holders } of client.watchDrain({ service: 'apart', revision })) {
        return holders.map((holder) => holder.client);
      }
    };
    // The others learn of it within a second.
    await eventually(async () => expect(await first()).toContain(frozenName));
    const told: string[][] = [];
    for await (const { holders } of client.watchDrain({ service: 'apart', revision })) {
      told.push(holders.map((holder) => holder.client));
    }
    expect(told).toContainEqual([frozenName]);
    expect(told.at(-1)).toEqual([]);
  });

  it('B19: may not be asked about with a revision that is none, or in the future', async () => {
    const { client } = admins[0] as Admin;
    const failure = (service: string, revision: bigint) =>
      failureOf(
        (async () => {
          for await (const _ of client.watchDrain({ service, revision }));
        })(),
      );
    expect((await failure('a', 0n)).code).toBe('INVALID_ARGUMENT');
    expect((await failure('..', 1n)).code).toBe('INVALID_ARGUMENT');
    expect(await failure('a', 10n ** 12n)).toEqual({
      code: 'OUT_OF_RANGE',
      reason: 'FUTURE_REVISION',
    });
    const acknowledged = client.acknowledge({ watchId: randomUUID(), revision: 1n });
    expect(await failureOf(acknowledged)).toEqual({ code: 'NOT_FOUND', reason: 'WATCH_NOT_FOUND' });
  });

  it('waits for a while instead when no registry can tell', async () => {
    const registry = await createTestRegistry();
    const echo = await serveEcho(join(registry.address), 'a', { name: 'alone', settleMs: 600 });
    await echo.host.registered();
    await registry.close();
    expect(await closingMs(echo)).toBeGreaterThan(590);
  });

  it('F29: ends in order on SIGTERM, with code 0 and no key left', async () => {
    const { address } = registries[0] as Registry;
    const instance = startInstance(address, 'told', 'a');
    cleanup.push(() => instance.end());
    const keys = () => etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/services/told/');
    await eventually(async () => expect(await keys()).not.toBe(''), { withinMs: 20_000 });
    const users = join(address).client(UserServiceDefinition, { service: 'told' });
    await users.getUser({ id: 'x' });
    instance.signal('SIGTERM');
    expect(await instance.exited).toBe(0);
    expect(await keys()).toBe('');
  });

  it('F30: leaves no key when SIGTERM comes while it is being registered', async () => {
    const asked = Promise.withResolvers<void>();
    const signalled = Promise.withResolvers<void>();
    class HeldUpStore extends EtcdStore {
      override async register(...what: Parameters<EtcdStore['register']>) {
        asked.resolve();
        await signalled.promise;
        return super.register(...what);
      }
    }
    const store = new HeldUpStore({ endpoints: [etcd.endpoint] });
    const registry = await createTestRegistry({ store });
    cleanup.push(() => registry.close());
    const instance = startInstance(registry.address, 'hurried', 'a');
    cleanup.push(() => instance.end());
    await asked.promise;
    instance.signal('SIGTERM');
    const recorder = new WatchRecorder(admins[0]?.client as Admin['client'], {
      services: ['hurried'],
    });
    cleanup.push(() => recorder.stop());
    await eventually(() => expect(recorder.messages.length).toBeGreaterThan(0));
    signalled.resolve();
    expect(await instance.exited).toBe(0);
    // It was registered after all, and has taken itself off the list again.
    await eventually(() => expect(recorder.sizes).toContain(1));
    await eventually(() => expect(recorder.ids).toEqual([]));
    expect(await etcd.ctl('get', '--prefix', '/weft/v1/services/hurried/')).toBe('');
  });
});
