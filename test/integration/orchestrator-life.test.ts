import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { meshFolder } from '../../orchestrator/src/mesh-folder.ts';
import { boundLog } from '../../orchestrator/src/process/log-file.ts';
import { identityOf, isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { type MeshStatus, processesOf as processesOfMesh } from '../support/mesh-status.ts';
import { metricsAt } from '../support/metrics.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { runWeftHere } from '../support/weft-here.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

describeWith(['etcd', 'etcdctl'], 'the life of a mesh on etcd', () => {
  const folder = tempFolder('weft-life-');
  const events = join(folder.path, 'events');
  let etcd: TestEtcd;
  let up: WeftProcess;
  let mesh: Mesh;
  /** Of the registry that is killed: nobody gives it back before it ends by itself. */
  let leaseOfKilled = '';
  const weft = (...words: string[]) => runWeftHere(words, folder.path);
  /** In a process of its own. */
  const weftApart = (...words: string[]) => runWeft(words, { folder: folder.path });
  const processesOf = (service: string) => processesOfMesh(folder.path, service);

  async function keys(): Promise<string[]> {
    const text = await etcd.ctl('get', '--prefix', '/weft/v1/services/', '--keys-only');
    return text.split('\n').filter((line) => line !== '');
  }

  async function leaseOfRegistry(): Promise<string> {
    const text = await etcd.ctl('get', '--prefix', '/weft/v1/registries/', '--write-out', 'json');
    // The number is larger than JSON.parse reads to the last digit.
    return BigInt(/"lease":(\d+)/.exec(text)?.[1] ?? 0)
      .toString(16)
      .padStart(16, '0');
  }

  beforeAll(async () => {
    etcd = await createTestEtcd();
    const environment = { STUB_EVENTS: events };
    writeWeftYaml(folder.path, {
      registry: { port: 0 },
      services: {
        shop: { command: stubCommand('shop'), dependencies: ['stock'], environment },
        stock: {
          command: stubCommand('stock'),
          instances: 2,
          environment: { ...environment, STUB_MODE: 'slow' },
          health: { intervalMs: 100 },
        },
      },
    });
    up = startWeft(['up', '--metrics-port', '0'], {
      folder: folder.path,
      env: { ETCD_ENDPOINTS: etcd.endpoint },
    });
    await up.waitFor(/The mesh is up/);
    mesh = createMesh({ registry: meshStateOf(folder.path).registry });
  });

  afterAll(async () => {
    mesh?.close();
    up?.signal('SIGTERM');
    await up?.exited;
    await etcd?.close();
    folder[Symbol.dispose]();
  });

  it('starts each level once the one before is healthy', async () => {
    const lines = readFileSync(events, 'utf8').trim().split('\n');
    const first = lines.map((line) => line.split(' ').slice(0, 2).join(' ')).slice(0, 5);
    // The two of the first level come up side by side, in any order.
    expect(first.slice(0, 4).sort()).toEqual([
      'registered stock',
      'registered stock',
      'started stock',
      'started stock',
    ]);
    expect(first[4]).toBe('started shop');
    expect(up.output()).toMatch(/store: etcd \(\$ETCD_ENDPOINTS names/);
    const { stdout, stderr, code } = await weftApart('status', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { services, store }: MeshStatus = JSON.parse(stdout);
    expect(store).toBe('etcd');
    expect(services.map(({ name, desiredInstances }) => [name, desiredInstances])).toEqual([
      ['registry', 1],
      ['stock', 2],
      ['shop', 1],
    ]);
    for (const one of services.flatMap(({ processes }) => processes)) {
      expect(one).toMatchObject({ state: 'PROCESS_STATE_RUNNING', healthy: true, restarts: 0 });
    }
    expect(await keys()).toHaveLength(3);
  });

  it('starts a killed instance again, under a new id, and its old key goes at once', async () => {
    const [before] = await processesOf('stock');
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      const [after] = await processesOf('stock');
      expect(after).toMatchObject({
        name: 'stock-1',
        state: 'PROCESS_STATE_RUNNING',
        restarts: 1,
        lastExit: 'signal SIGKILL',
      });
      expect(after?.instanceId).not.toBe(before?.instanceId);
    });
    expect(up.output()).toMatch(/stock-1 ended by itself \(signal SIGKILL\); starting it again/);
    const all = await keys();
    expect(all).toHaveLength(3);
    expect(all.join()).not.toContain(before?.instanceId);
    const [, at] = /metrics: http:\/\/(\S+)\/metrics/.exec(up.output()) ?? [];
    const metrics = await metricsAt(at);
    const own = (name: string) => metrics.get(`weft_orchestrator_${name}`);
    expect(own('restarts_total{service="stock",process="stock-1"}')).toBe(1);
    expect(own('processes{service="stock",state="running"}')).toBe(2);
    expect(own('desired_instances{service="stock"}')).toBe(2);
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('scales up and down', async () => {
    expect((await weftApart('scale', 'stock=4')).stdout).toMatch(/stock +│ 4 +│ 4 /);
    expect(await keys()).toHaveLength(5);
    expect((await weft('scale', 'stock=1')).stdout).toMatch(/stock +│ 1 +│ 1 /);
    expect((await processesOf('stock')).map(({ name }) => name)).toEqual(['stock-1']);
    expect(await keys()).toHaveLength(2);
    expect((await weft('scale', 'stock=2')).code).toBe(0);
  });

  it('refuses what it cannot scale or restart', async () => {
    expect(await weft('scale', 'nobody=1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/service 'nobody' does not exist/),
    });
    expect(await weft('scale', 'stock=101')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/instances: must be 0 to 100/),
    });
    const hint = expect.stringMatching(/service 'stok' does not exist; did you mean stock\?/);
    expect(await weft('restart', 'stok')).toMatchObject({ code: 1, stderr: hint });
    expect(await weft('scale', 'stok=2')).toMatchObject({ code: 1, stderr: hint });
    expect((await weft('scale', 'stock')).code).toBe(2);
    expect((await weft('scale')).code).toBe(2);
    expect((await weft('no-such-command')).code).toBe(2);
    expect((await weft('call', 'stock', 'GetUser', '{')).code).toBe(2);
  });

  it('gives each slot the keys back that it had before a restart', async () => {
    const { registry } = meshStateOf(folder.path);
    const hashing = createMesh({ registry, strategy: 'consistent_hash' });
    const client = hashing.client(UserServiceDefinition, { service: 'stock' });
    /** Slot by key; the stub tells its instance id, which is the slot's name and eight digits. */
    const slots = async () => {
      const found: string[] = [];
      for (let key = 0; key < 300; key += 1) {
        const { user } = await client.getUser({ id: 'x' }, { hashKey: `customer-${key}` });
        found.push(user?.name.slice(0, -9) ?? '');
      }
      return found;
    };
    try {
      // Until a client has connected to an instance, others take its keys.
      const before = await eventually(async () => {
        const found = await slots();
        expect(new Set(found)).toEqual(new Set(['stock-1', 'stock-2']));
        expect(await slots()).toEqual(found);
        return found;
      });
      expect(await weft('restart', 'stock')).toMatchObject({ code: 0 });
      await eventually(async () => expect(await slots()).toEqual(before));
    } finally {
      hashing.close();
    }
  });

  it('replaces instances under load without a failed call', async () => {
    const client = mesh.client(UserServiceDefinition, { service: 'stock' });
    const before = (await processesOf('stock')).map(({ instanceId }) => instanceId);
    const answeredBy = new Set<string>();
    const failures: unknown[] = [];
    const calls: Promise<void>[] = [];
    const callOnce = async () => {
      // CreateUser is not idempotent: no retry hides a failure.
      const call = calls.length % 2 === 0 ? client.getUser({ id: 'x' }) : client.createUser({});
      try {
        const { user } = await call;
        if (user) answeredBy.add(user.name);
      } catch (error) {
        failures.push(error);
      }
    };
    const load = setInterval(() => calls.push(callOnce()), 5);
    const { code, stdout } = await weftApart('restart', 'stock');
    const after = (await processesOf('stock')).map(({ instanceId }) => instanceId);
    await eventually(() => expect([...answeredBy]).toEqual(expect.arrayContaining(after)));
    clearInterval(load);
    await Promise.all(calls);
    expect(stdout).toMatch(/stock +│ 2 +│ 2 /);
    expect({ code, failures }).toEqual({ code: 0, failures: [] });
    expect(calls.length).toBeGreaterThan(100);
    expect(after).toHaveLength(2);
    for (const id of after) expect(before).not.toContain(id);
    expect(await keys()).toHaveLength(3);
  });

  it('keeps the old instance when the new one does not start, however much that one says', async () => {
    const before = await processesOf('shop');
    const mode = join(folder.path, '.weft', 'data', 'shop', 'mode');
    writeFileSync(mode, 'babble');
    const { code, stderr } = await weft('restart', 'shop');
    expect(code).toBe(1);
    expect(stderr).toMatch(/shop-1 was not replaced and runs on as it was/);
    expect(stderr).toMatch(/tried 3 times, last exit code 3/);
    expect(stderr).toMatch(/^weft: {3}11 ü+\.\.\.$/m);
    expect(stderr).toMatch(/the stub crashes as told/);
    expect(await processesOf('shop')).toMatchObject(
      before.map(({ pid, instanceId }) => ({ pid, instanceId })),
    );
    writeFileSync(mode, '');
  });

  it('starts a killed registry again at its address; the instances are there again', async () => {
    const [before] = await processesOf('registry');
    leaseOfKilled = await leaseOfRegistry();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await eventually(
      async () => {
        const [after] = await processesOf('registry');
        expect(after).toMatchObject({ healthy: true, restarts: 1, address: before?.address });
        expect((await processesOf('stock')).every(({ healthy }) => healthy)).toBe(true);
        expect(await keys()).toHaveLength(3);
      },
      { withinMs: 15_000 },
    );
    const { stdout } = await weft('call', 'stock', 'GetUser', '{"id": "x"}');
    expect(JSON.parse(stdout)).toMatchObject({ user: { id: 'x' } });
  });

  it('tells a process that hangs as unhealthy', async () => {
    const [frozen] = await processesOf('stock');
    process.kill(frozen?.pid ?? 0, 'SIGSTOP');
    try {
      await eventually(async () => {
        expect((await processesOf('stock'))[0]).toMatchObject({ healthy: false });
      });
      expect((await weft('status')).stdout).toMatch(/stock .*1 of 2 SERVING/);
    } finally {
      process.kill(frozen?.pid ?? 0, 'SIGCONT');
    }
    await eventually(async () => {
      expect((await processesOf('stock'))[0]).toMatchObject({ healthy: true, pid: frozen?.pid });
    });
  });

  it('shows logs', async () => {
    const { stdout } = await weft('logs', 'shop', '-n', '100');
    expect(stdout).toMatch(/the stub crashes as told/);
    const all = (await weft('logs')).stdout;
    expect(all).toMatch(/^registry +\| .*$/m);
    expect(all).toMatch(/^weft +\| \d\d-\d\d [\d:.]+ INFO {2}\S+ runs at \S+ .*$/m);
    // They were scaled away, and are shown when asked for.
    expect(all).not.toMatch(/^stock-4/m);
    expect((await weft('logs', '--all')).stdout).toMatch(/^stock-4 +\| stock starts$/m);
    // Those of etcd belong to who asks for them.
    const { log } = meshFolder(join(folder.path, '.weft'));
    writeFileSync(log('etcd'), 'apply request took too long\n');
    expect((await weft('logs')).stdout).not.toMatch(/took too long/);
    expect((await weft('logs', 'etcd')).stdout).toBe('apply request took too long\n');
    expect(JSON.parse((await weft('logs', 'weft', '-n', '1', '--json')).stdout)).toMatchObject({
      msg: expect.any(String),
    });
    expect(await weft('logs', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no log of 'nobody'/),
    });
    expect((await weft('logs', 'weft', '-n', '0')).stdout).toBe('');
    const following = startWeft(['logs', 'weft', '-f', '-n', '1'], { folder: folder.path });
    await following.waitFor(/\n/);
    expect(following.output()).not.toMatch(/stock-3 runs at/);
    await weft('scale', 'stock=3');
    await following.waitFor(/stock-3 runs at/);
    following.signal('SIGTERM');
    await following.exited;
  });

  it('goes on showing logs when they rotate, and when a service gets more instances', async () => {
    const { log } = meshFolder(join(folder.path, '.weft'));
    const following = startWeft(['logs', 'stock', '-f', '-n', '2'], { folder: folder.path });
    try {
      await following.waitFor(/stock starts/);
      await weft('scale', 'stock=5');
      await following.waitFor(/^stock-5 +\| stock starts$/m);
      appendFileSync(log('stock-1'), 'before the rotation\n');
      boundLog(log('stock-1'), 1);
      expect((await weft('logs', 'stock-1', '-n', '1')).stdout).toBe('before the rotation\n');
      appendFileSync(log('stock-1'), 'after the rotation\n');
      await following.waitFor(/^stock-1 +\| before the rotation\nstock-1 +\| after the rotation$/m);
    } finally {
      following.signal('SIGTERM');
      await following.exited;
    }
    const { stdout } = await weft('logs', 'stock-1', '-n', '3');
    expect(stdout).toMatch(/stock starts\nbefore the rotation\nafter the rotation\n$/);
    await weft('scale', 'stock=3');
  });

  it('refuses a second up in the same folder', async () => {
    const { code, stderr } = await weftApart('up');
    expect(code).toBe(1);
    expect(stderr).toContain(`is up already (pid ${up.pid})`);
  });

  it('stops everything in reverse order at Ctrl-C and leaves no process and no key', async () => {
    mesh.close();
    writeFileSync(events, '');
    const running = meshStateOf(folder.path).processes;
    expect(running.length).toBe(5);
    up.signal('SIGINT');
    expect((await up.exited).code).toBe(0);
    expect(running.filter(isAlive)).toEqual([]);
    expect(identityOf(up.pid)).toBeUndefined();
    const closed = readFileSync(events, 'utf8').trim().split('\n');
    expect(closed.map((line) => line.split(' ')[1])).toEqual(['shop', 'stock', 'stock', 'stock']);
    expect(await keys()).toEqual([]);
    const [, ...leases] = (await etcd.ctl('lease', 'list')).trim().split('\n');
    expect(leases.filter((lease) => lease !== leaseOfKilled)).toEqual([]);
    expect(await weft('status')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no mesh is up/),
    });
  });
});
