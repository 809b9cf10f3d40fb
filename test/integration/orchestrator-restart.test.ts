import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/mesh-status.ts';
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
  return {
    up,
    users: usersOf(mesh, 'shop'),
    processes: () => processesOf(folder.path, 'shop'),
    weft: (...words: string[]) => runWeft(words, { folder: folder.path }),
    async [Symbol.asyncDispose]() {
      mesh.close();
      await close();
    },
  };
}

describe('weft restart', () => {
  const wrappers = {
    'npm start': ['npm', 'start'],
    'sh -c': ['sh', '-c', `${stubCommand('shop').join(' ')}; true`],
  };
  it.concurrent.each(Object.entries(wrappers))(
    'fails no call of a service that %s started',
    async (_, command) => {
      const environment = { STUB_DELAY_MS: '1200' };
      await using shop = await startShop({ command, instances: 2, environment });
      const load = callSteadily(20, (options) =>
        shop.users.getUser({ id: 'x' }, { ...options, timeoutMs: 10_000 }),
      );
      await eventually(() => expect(load.done.length).toBeGreaterThan(20));
      expect(await shop.weft('restart', 'shop')).toMatchObject({ code: 0 });
      await load.stop();
      expect(load.failures()).toEqual([]);
      expect(shop.up.output()).not.toMatch(/was killed/);
    },
    60_000,
  );
});
