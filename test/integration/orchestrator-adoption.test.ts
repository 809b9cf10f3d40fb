import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import type { OrchestratorServiceClient } from '@weft/proto/orchestrator';
import { askOrchestrator } from '../../orchestrator/src/control/control-client.ts';
import { meshFolder } from '../../orchestrator/src/mesh-folder.ts';
import { readLog } from '../../orchestrator/src/process/log-file.ts';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import type { StartedProcess } from '../../orchestrator/src/state-file.ts';
import { createTestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { callSteadily } from '../support/steady-calls.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { usersOf } from '../support/test-mesh.ts';
import { describeWith } from '../support/tools.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

let folder: ReturnType<typeof tempFolder>;
let up: WeftProcess;
const seen = new Map<number, StartedProcess>();

/** What runs, by slot, as the state file has it. */
function running(): Map<string, StartedProcess> {
  const { processes } = meshStateOf(folder.path);
  for (const one of processes) seen.set(one.pid, one);
  return new Map(processes.map((one) => [one.name, one]));
}

const pids = () => Object.fromEntries([...running()].map(([name, { pid }]) => [name, pid]));

async function start(env = {}): Promise<void> {
  up = startWeft(['up'], { folder: folder.path, env });
  await up.waitFor(/The mesh is up/, 40_000);
  running();
}

async function killOrchestrator(): Promise<void> {
  up.signal('SIGKILL');
  await up.exited;
}

/** Asks the orchestrator as `weft status`, `scale`, `restart` and `down` do. */
function ask<Answer>(question: (client: OrchestratorServiceClient) => Promise<Answer>) {
  return askOrchestrator(meshFolder(join(folder.path, '.weft')), question);
}

beforeEach(() => {
  folder = tempFolder('weft-adoption-');
});

afterEach(async () => {
  up.signal('SIGTERM');
  await up.exited;
  for (const one of seen.values()) if (isAlive(one)) process.kill(-one.pid, 'SIGKILL');
  seen.clear();
  folder[Symbol.dispose]();
});

describeWith(['etcd'], 'a mesh whose orchestrator was killed', () => {
  it('F35: is taken over by the next under load, no call fails, and is supervised as before', async () => {
    writeWeftYaml(folder.path, {
      registry: { port: await freePort('127.0.0.1'), store: 'etcd', etcd: { port: 0 } },
      services: { shop: { command: stubCommand('shop'), instances: 2 } },
    });
    await start();
    const before = pids();
    expect(Object.keys(before)).toEqual(['etcd', 'registry', 'shop-1', 'shop-2']);
    const { registry, etcd } = meshStateOf(folder.path);
    const mesh = createMesh({ registry });
    const load = callSteadily(50, (options) => usersOf(mesh, 'shop').getUser({ id: '7' }, options));
    try {
      await eventually(() => expect(load.done.length).toBeGreaterThan(20));
      await killOrchestrator();
      await start();
      expect(pids()).toEqual(before);
      expect(meshStateOf(folder.path)).toMatchObject({ registry, etcd });
      for (const name of Object.keys(before)) {
        expect(up.output()).toMatch(new RegExp(`${name} runs on at .* taken over`));
      }
      expect(up.output()).not.toMatch(/ended/);
      const { services } = await ask((client) => client.getStatus({}));
      expect(services.find(({ name }) => name === 'shop')?.processes).toMatchObject([
        { name: 'shop-1', pid: before['shop-1'], healthy: true, restarts: 0 },
        { name: 'shop-2', pid: before['shop-2'], healthy: true, restarts: 0 },
      ]);

      // What was taken over is restarted when it ends, and its log goes on.
      process.kill(before['shop-2'] ?? 0, 'SIGKILL');
      const killedMs = performance.now();
      await up.waitFor(/shop-2 ended by itself \(how is not known/);
      expect(performance.now() - killedMs).toBeLessThan(2000);
      await up.waitFor(/shop-2 runs at/);
      const log = readLog(join(folder.path, '.weft', 'logs', 'shop-2.log')).text;
      expect(log.match(/shop starts/g)).toHaveLength(2);

      // It is scaled and replaced as what this orchestrator started.
      await ask((client) => client.scale({ service: 'shop', instances: 1 }));
      expect(pids()).toMatchObject({ 'shop-1': before['shop-1'] });
      expect(running().has('shop-2')).toBe(false);
      await ask((client) => client.restart({ service: 'shop' }));
      expect(running().get('shop-1')?.pid).not.toBe(before['shop-1']);
    } finally {
      await load.stop();
      mesh.close();
    }
    expect(load.failures()).toEqual([]);
    await ask((client) => client.stop({}));
    expect((await up.exited).code).toBe(0);
    expect([...seen.values()].filter(isAlive)).toEqual([]);
  }, 120_000);

  it('F35: has ended what weft.yaml does not want so any more; Ctrl-C leaves no process and no key', async () => {
    const etcd = await createTestEtcd();
    try {
      const shop = { command: stubCommand('shop') };
      writeWeftYaml(folder.path, {
        registry: { port: 0 },
        services: {
          kept: { command: stubCommand('kept'), instances: 2, environment: { A: '1', B: '2' } },
          gone: { command: stubCommand('gone') },
          shop,
        },
      });
      const env = { ETCD_ENDPOINTS: etcd.endpoint };
      await start(env);
      const before = running();
      await killOrchestrator();
      writeWeftYaml(folder.path, {
        registry: { port: 0 },
        services: {
          shop: { ...shop, environment: { STUB_TTL: '3' } },
          kept: { environment: { B: '2', A: '1' }, command: stubCommand('kept') },
        },
      });
      await start(env);
      expect(up.output()).toMatch(
        /ended what an earlier weft up left .* so: kept-2, gone-1, shop-1\n/,
      );
      const after = running();
      expect([...after.keys()].sort()).toEqual(['kept-1', 'registry', 'shop-1']);
      for (const name of ['registry', 'kept-1']) expect(after.get(name)).toEqual(before.get(name));
      expect(after.get('shop-1')?.pid).not.toBe(before.get('shop-1')?.pid);
      const stored = await etcd.ctl('get', '--prefix', '/weft/v1/services/', '--keys-only');
      const ids = ['kept-1', 'shop-1'].map((name) => after.get(name)?.instanceId);
      expect(stored.split(/\s+/).filter(Boolean)).toEqual([
        `/weft/v1/services/kept/${ids[0]}`,
        `/weft/v1/services/shop/${ids[1]}`,
      ]);
      up.signal('SIGINT');
      expect((await up.exited).code).toBe(0);
      expect([...seen.values()].filter(isAlive)).toEqual([]);
      expect(await etcd.ctl('get', '--prefix', '/weft/v1/services/', '--keys-only')).toBe('');
    } finally {
      await etcd.close();
    }
  }, 60_000);

  it('keeps what it took over when a service does not start, and goes on trying', async () => {
    const registry = { port: 0, store: 'memory' };
    const services = {
      shop: { command: stubCommand('shop'), instances: 2 },
      stock: { command: stubCommand('stock') },
      // It needs the one that will not start, and runs already.
      page: { command: stubCommand('page'), dependencies: ['stock'] },
    };
    writeWeftYaml(folder.path, { registry, services });
    await start();
    const before = pids();
    await killOrchestrator();
    const mode = join(folder.path, '.weft', 'data', 'stock', 'mode');
    writeFileSync(mode, 'crash');
    // Another program now, so that the one that runs is ended.
    const stock = { ...services.stock, environment: { STUB_TTL: '3' } };
    writeWeftYaml(folder.path, { registry, services: { ...services, stock } });
    await start();
    expect(up.output()).toMatch(/stock-1 does not start: tried 3 times/);
    expect(up.output()).toMatch(/what was taken over runs on.*stock is tried again/);
    const { 'stock-1': _old, ...others } = before;
    expect(pids()).toMatchObject(others);
    for (const name of Object.keys(others)) {
      expect(up.output()).toMatch(new RegExp(`${name} runs on at .* taken over`));
    }
    writeFileSync(mode, '');
    await up.waitFor(/stock-1 runs at/);
    expect(pids()).toMatchObject(others);
    up.signal('SIGINT');
    expect((await up.exited).code).toBe(0);
    expect([...seen.values()].filter(isAlive)).toEqual([]);
  }, 60_000);

  it('F35: goes on as it was when weft.yaml wants a port that is taken', async () => {
    const shop = { command: stubCommand('shop') };
    const registry = { port: 0, store: 'memory' };
    writeWeftYaml(folder.path, { registry, services: { shop } });
    await start();
    const before = running();
    await killOrchestrator();
    const [, port] = meshStateOf(folder.path).registry.split(':');
    const stock = { command: stubCommand('stock'), port: Number(port) };
    writeWeftYaml(folder.path, { registry, services: { stock } });
    expect(await runWeft(['up'], { folder: folder.path })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/wanted for stock-1, is taken/),
    });
    expect(running()).toEqual(before);
    expect([...before.values()].filter(isAlive)).toHaveLength(2);
  });
});
