import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/mesh-status.ts';
import { createRegistryClient } from '../support/registry.ts';
import { callSteadily } from '../support/steady-calls.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { usersOf } from '../support/test-mesh.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  writeWeftYaml,
} from '../support/weft-process.ts';

/** A mesh of one service named `shop`, in a folder of its own, as the tests here run at once. */
async function startShop(service: object) {
  const folder = tempFolder('weft-restart-');
  writeFileSync(
    join(folder.path, 'package.json'),
    JSON.stringify({ scripts: { start: `${stubCommand('shop').join(' ')}` } }),
  );
  const registry = { port: 0, store: 'memory' };
  writeWeftYaml(folder.path, { registry, services: { shop: service } });
  const up = startWeft(['up'], { folder: folder.path });
  const close = async () => {
    up.signal('SIGTERM');
    await up.exited;
    folder[Symbol.dispose]();
  };
  try {
    await up.waitFor(/The mesh is up/, 40_000);
  } catch (error) {
    await close();
    throw error;
  }
  // No retry hides a failure.
  const services = { shop: { retry: false } } as const;
  const mesh = createMesh({ registry: meshStateOf(folder.path).registry, services });
  const registryClient = createRegistryClient(meshStateOf(folder.path).registry);
  return {
    up,
    path: folder.path,
    users: usersOf(mesh, 'shop'),
    processes: () => processesOf(folder.path, 'shop'),
    weft: (...words: string[]) => runWeft(words, { folder: folder.path }),
    ask: registryClient.client,
    async [Symbol.asyncDispose]() {
      mesh.close();
      registryClient.close();
      await close();
    },
  };
}

describe('weft restart', () => {
  const wrappers = {
    'npm start': ['npm', 'start'],
    'sh -c': ['sh', '-c', `${stubCommand('shop').join(' ')}; true`],
  };
  it.each(Object.entries(wrappers))(
    'fails no call of a service that %s started, and lets it drain to its end',
    async (_, command) => {
      using events = tempFolder('weft-events-');
      const file = join(events.path, 'events');
      const environment = { STUB_DELAY_MS: '1200', STUB_EVENTS: file };
      await using shop = await startShop({ command, environment });
      const [before] = await shop.processes();
      const load = callSteadily(20, (options) =>
        shop.users.getUser({ id: 'x' }, { ...options, timeoutMs: 10_000 }),
      );
      await eventually(() => expect(load.done.length).toBeGreaterThan(5));
      expect(await shop.weft('restart', 'shop')).toMatchObject({ code: 0 });
      await load.stop();
      expect(load.failures()).toEqual([]);
      expect(readFileSync(file, 'utf8')).toContain(`closed shop ${before?.instanceId}`);
      expect(shop.up.output()).not.toMatch(/was killed/);
    },
    60_000,
  );

  it('fails no call of a single instance on a fixed port', async () => {
    const port = await freePort('127.0.0.1');
    await using shop = await startShop({ command: stubCommand('shop'), port });
    const [before] = await shop.processes();
    const load = callSteadily(50, (options) => shop.users.createUser({}, options));
    await eventually(() => expect(load.done.length).toBeGreaterThan(20));
    expect(await shop.weft('restart', 'shop')).toMatchObject({ code: 0 });
    const sent = load.sent;
    await eventually(() => expect(load.done.length).toBeGreaterThan(sent + 20));
    await load.stop();
    expect(load.failures()).toEqual([]);
    const after = await shop.processes();
    expect(after).toMatchObject([{ name: 'shop-1', address: `127.0.0.1:${port}`, healthy: true }]);
    expect(after[0]?.pid).not.toBe(before?.pid);
    expect(shop.up.output()).toMatch(/shop-2 stopped/);
  }, 60_000);
});

describe('weft restart after weft.yaml was edited', () => {
  it.concurrent('starts the service as the file says now, or says why not', async () => {
    const command = stubCommand('shop');
    await using shop = await startShop({ command, environment: { STUB_TTL: '5' } });
    const registry = { port: 0, store: 'memory' };
    const ttl = async () => (await shop.ask.listInstances({})).instances[0]?.ttlSeconds;
    expect(await ttl()).toBe(5);

    // What the next process is started with, and what only a new mesh can have.
    const service = { command, environment: { STUB_TTL: '7' }, instances: 2 };
    writeWeftYaml(shop.path, { registry, services: { shop: service, more: { command } } });
    const { code, stderr } = await shop.weft('restart', 'shop');
    expect({ code, stderr: stderr.split('\n') }).toEqual({
      code: 0,
      stderr: [
        'weft: started as weft.yaml says now: shop',
        expect.stringMatching(
          /^weft: weft\.yaml was edited, and no restart applies: services\.shop\.instances, services\.more \(added\); /,
        ),
        '',
      ],
    });
    expect(await ttl()).toBe(7);
    const [before] = await shop.processes();

    writeWeftYaml(shop.path, { registry, services: { shop: { ...service, colour: 'red' } } });
    const typo = await shop.weft('restart', 'shop');
    expect(typo).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/weft\.yaml:\d+: services\.shop\.colour: is no known key/),
    });
    writeWeftYaml(shop.path, { registry, services: { shop: { command: 'no-such-program' } } });
    const broken = await shop.weft('restart', 'shop');
    expect(broken).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/runs on as it was.*there is no program 'no-such-program'/),
    });
    expect(await shop.processes()).toMatchObject([{ pid: before?.pid, healthy: true }]);
    // It is started again as it was, and not as the file says that failed.
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      expect(await shop.processes()).toMatchObject([{ healthy: true, restarts: 1 }]);
    });
    expect(await ttl()).toBe(7);
  }, 60_000);
});

describe('an instance that is up', () => {
  const health = { intervalMs: 100, timeoutMs: 200, restartAfterMs: 1000 };

  it.concurrent('is started again when it hangs', async () => {
    const command = stubCommand('shop');
    await using shop = await startShop({ command, health });
    const [before] = await shop.processes();
    const hanging = shop.users.getUser({ id: 'hang' }, { timeoutMs: 500 });
    await expect(hanging).rejects.toThrow();
    await shop.up.waitFor(/shop-1 was ended \(did not answer for 1 s\); starting it again/);
    await shop.up.waitFor(/(shop-1 runs at[\s\S]*){2}/);
    const [after] = await shop.processes();
    expect(after).toMatchObject({ healthy: true, restarts: 1, lastExit: 'did not answer for 1 s' });
    expect(after?.pid).not.toBe(before?.pid);
    expect(await shop.users.getUser({ id: '7' })).toMatchObject({ user: { id: '7' } });
  }, 60_000);

  it.concurrent('is left alone when it says itself that it does not serve', async () => {
    const command = stubCommand('shop');
    await using shop = await startShop({ command, health });
    const [before] = await shop.processes();
    await shop.users.getUser({ id: 'unwell' });
    await shop.up.waitFor(/shop-1 does not answer SERVING/);
    await sleep(2000);
    expect(await shop.processes()).toMatchObject([{ pid: before?.pid, restarts: 0 }]);
  }, 60_000);
});
