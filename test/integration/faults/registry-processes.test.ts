import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { Instance, InstanceStatus } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { RegistryConnection } from '../../../client-sdk/src/discovery/registry-connection.ts';
import { Registrar } from '../../../client-sdk/src/registration/registrar.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { expectFaithful } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { startInstance } from '../../support/instance-process.ts';
import { createTestRegistry } from '../../support/registry.ts';
import { startRegistry } from '../../support/registry-process.ts';
import {
  type RegistryClient,
  RegistryStage,
  registrationOf,
} from '../../support/registry-stage.ts';
import { describeWith } from '../../support/tools.ts';

const TTL_MS = 2000;
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');

/** Runs the registry over an etcd in a process of its own. */
async function startReplica(etcd: TestEtcd, { port = 0, node = [] as readonly string[] } = {}) {
  const flags = ['--port', `${port}`, '--etcd', etcd.endpoint];
  const replica = startRegistry({ flags, node });
  return { ...replica, address: await replica.ready() };
}

type Replica = Awaited<ReturnType<typeof startReplica>>;

/** A program of its own, which prints the sets that it discovers. */
function startClient(stage: RegistryStage, registry: string, service: string) {
  const program = join(fixtures, 'discovering-client.ts');
  const child = spawn(process.execPath, ['--conditions=weft-source', program, registry, service], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  stage.defer(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return { child, sets: () => output.trimEnd().split('\n') };
}

// A busy machine takes its time.
jest.setTimeout(90_000);

describeWith(['etcd', 'etcdctl'], 'a process', () => {
  let etcd: TestEtcd;
  let replica: Replica;

  beforeAll(async () => {
    etcd = await createTestEtcd();
    const node = ['--import', join(fixtures, 'jumping-clock.mjs')];
    replica = await startReplica(etcd, { node });
  });
  afterAll(async () => {
    await replica.end();
    await etcd.close();
  });

  it.concurrent('F3: instance and client, frozen for longer than the TTL: gone, back, and known', async () => {
    await using stage = new RegistryStage();
    const service = 'frozen-service';
    const client = stage.client(replica.address);
    await stage.serve(replica.address, 'other', { service });
    const instance = startInstance(replica.address, service, 'frozen', TTL_MS / 1000);
    stage.defer(() => instance.end());
    const { child, sets } = startClient(stage, replica.address, service);
    const watch = stage.follow(client, { service });
    const withinMs = 40_000;
    await eventually(() => expect(sets().at(-1)).toBe('frozen,other'), { withinMs });
    const before = watch.held.get(`${service}/frozen`);
    child.kill('SIGSTOP');
    instance.signal('SIGSTOP');
    const frozenAt = performance.now();
    await eventually(() => expect(watch.ids).toEqual(['other']));
    expect(performance.now() - frozenAt).toBeLessThan(TTL_MS + 1000);
    // It went while the client could not hear of it.
    await client.register(registrationOf('new', { service }));
    child.kill('SIGCONT');
    await eventually(() => expect(sets().at(-1)).toBe('new,other'));
    instance.signal('SIGCONT');
    await eventually(() => expect(sets().at(-1)).toBe('frozen,new,other'));
    await expectFaithful(watch, etcd);
    const after = watch.held.get(`${service}/frozen`);
    expect(after?.incarnation).toBe(before?.incarnation);
    expect(after?.leaseId).not.toBe(before?.leaseId);
  });

  it.concurrent('F25: a replica whose clock jumps an hour: no lease is lost, no watch breaks', async () => {
    await using stage = new RegistryStage();
    const service = 'timeless-service';
    const client = stage.client(replica.address);
    const serving = ['a', 'b'].map((id) => {
      return stage.serve(replica.address, id, { service, ttlSeconds: 4 });
    });
    const instances = await Promise.all(serving);
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const watch = stage.follow(client, { service, resumes: true });
    for (const jump of ['ahead', 'back']) {
      const told = replica.output.err.length;
      replica.child.kill('SIGUSR2');
      await eventually(() => {
        expect(replica.output.err.slice(told)).toMatch(/the clock says/);
      });
      await client.register(registrationOf(jump, { service }));
      await pause(TTL_MS + 200);
    }
    await expectFaithful(watch, etcd);
    expect(watch).toMatchObject({ ids: ['a', 'ahead', 'b', 'back'], resumed: 0 });
    expect(watch.messages.filter(({ stale }) => stale)).toEqual([]);
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });
});

describeWith(['etcd', 'etcdctl'], 'one of two replicas', () => {
  let etcd: TestEtcd;
  let victim: Replica;
  let other: Registry;
  let addresses: string[];

  beforeAll(async () => {
    etcd = await createTestEtcd();
    other = await createTestRegistry({ etcd: etcd.endpoint });
    victim = await startReplica(etcd);
    addresses = [victim.address, other.address];
  });
  afterAll(async () => {
    await victim.end();
    await other.close();
    await etcd.close();
  });

  it('F3: frozen for longer than the TTL: leases live on through the other', async () => {
    await using stage = new RegistryStage();
    const service = 'kept-service';
    const serving = ['a', 'b', 'c', 'd'].map((id) => {
      return stage.serve(addresses, id, { service, ttlSeconds: 4 });
    });
    const instances = await Promise.all(serving);
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const clients = addresses.map((address) => stage.client(address));
    const watches = clients.map((client) => stage.follow(client, { service, resumes: true }));
    await eventually(() => {
      for (const { ids } of watches) expect(ids).toHaveLength(4);
    });
    victim.child.kill('SIGSTOP');
    await pause(4500);
    await clients[1]?.register(registrationOf('new', { service }));
    victim.child.kill('SIGCONT');
    for (const watch of watches) await expectFaithful(watch, etcd);
    expect(watches[1]?.revisions).toHaveLength(1);
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });

  it('F20: killed in mid-watch: its watchers go on, here or elsewhere', async () => {
    await using stage = new RegistryStage();
    const service = 'watched-service';
    const instance = await stage.serve(addresses, 'lives', { service, ttlSeconds: 6 });
    const { leaseId } = instance.host.instance;
    const [first, second] = addresses.map((address) => stage.client(address));
    if (first === undefined || second === undefined) throw new Error('there are two');
    // Clients doubt a registry in trouble that loses most instances together; few come and go here.
    for (const id of ['s0', 's1', 's2', 's3']) {
      await second.register(registrationOf(id, { service }));
    }
    const staying = stage.follow(first, { service, resumes: true });
    let streams = 0;
    const watch: RegistryClient['watch'] = (...request) => {
      streams += 1;
      return (streams % 2 === 1 ? first : second).watch(...request);
    };
    const moving = stage.follow({ watch }, { service, resumes: true });
    const mesh = stage.mesh(addresses);
    const sizes: number[] = [];
    let isWriting = true;
    const writing = (async () => {
      for (let round = 0; isWriting; round += 1) {
        const id = `n${round % 2}`;
        if (round % 4 < 2) await second.register(registrationOf(id, { service }));
        else await second.deregister({ service, id });
        sizes.push((await mesh.discover(service)).instances.length);
      }
    })();
    await eventually(() => expect(moving.revisions.length).toBeGreaterThan(50), {
      withinMs: 20_000,
    });
    await victim.end();
    await eventually(() => expect(moving.resumed).toBeGreaterThan(0));
    victim = await startReplica(etcd, { port: Number(victim.address.split(':')[1]) });
    await eventually(() => expect(staying.stretches).toHaveLength(2));
    isWriting = false;
    await writing;
    await expectFaithful(moving, etcd);
    await expectFaithful(staying, etcd);
    // The other replica holds what was missed; one begun anew tells the set, and goes on from there.
    expect(moving.stretches).toHaveLength(1);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5);
    expect(instance.host.instance.leaseId).toBe(leaseId);
    await eventually(async () => {
      const { instances } = await mesh.discover(service);
      expect(instances).toHaveLength(staying.held.size);
    });
  });

  it('F20, F23: killed in mid-register: each is listed once, under one lease', async () => {
    await using stage = new RegistryStage();
    const service = 'crowded-service';
    const COUNT = 150;
    const withinMs = 15_000;
    // All of them at the victim first.
    const connections = Array.from({ length: 6 }, () => {
      return stage.use(new RegistryConnection(addresses, () => 0));
    });
    const registrars = Array.from({ length: COUNT }, (_, index) => {
      const registry = connections[index % connections.length] as RegistryConnection;
      const instance = Instance.fromPartial({
        ...registrationOf(`r${index}`, { service }).instance,
        // Not yet RUNNING, so that nobody asks whether it answers.
        status: InstanceStatus.INSTANCE_STATUS_STARTING,
      });
      const options = { instance, ttlSeconds: 30, registry, log: silentLog, random: Math.random };
      return new Registrar(options);
    });
    stage.defer(() => Promise.all(registrars.map((registrar) => registrar.close())));
    const watch = stage.follow(stage.client(other.address), { service });
    for (const registrar of registrars) registrar.start();
    await eventually(() => expect(watch.held.size).toBeGreaterThan(5), { withinMs, everyMs: 1 });
    victim.child.kill('SIGKILL');
    const sizeThen = watch.held.size;
    // Most were listed by then; those whose answer was lost ask again, and get the lease they have.
    await Promise.all(registrars.map((registrar) => registrar.registered()));
    expect(sizeThen).toBeLessThan(COUNT);
    await expectFaithful(watch, etcd);
    await eventually(
      () => {
        const leases = registrars.map(({ instance }) => [instance.id, instance.leaseId] as const);
        const held = [...watch.held.values()].map(({ id, leaseId }) => [id, leaseId] as const);
        expect(new Map(held)).toEqual(new Map(leases));
      },
      { withinMs },
    );
  });
});
