import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import type { StartedProcess } from '../../orchestrator/src/state-file.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { runWeftHere } from '../support/weft-here.ts';
import {
  meshStateOf,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

let folder: ReturnType<typeof tempFolder>;
let mesh: WeftProcess;
let left: readonly StartedProcess[];

const weft = (...words: string[]) => runWeftHere(words, folder.path);

function up(env = {}): void {
  mesh = startWeft(['up'], { folder: folder.path, env });
}

async function killOrchestrator(): Promise<void> {
  left = meshStateOf(folder.path).processes;
  mesh.signal('SIGKILL');
  await mesh.exited;
}

beforeEach(() => {
  folder = tempFolder('weft-leftovers-');
  left = [];
});

afterEach(async () => {
  mesh.signal('SIGKILL');
  await mesh.exited;
  for (const one of left) if (isAlive(one)) process.kill(-one.pid, 'SIGKILL');
  folder[Symbol.dispose]();
});

/** An etcd that starts, and answers no one. */
function silentEtcd(): string {
  const file = join(folder.path, 'silent-etcd');
  writeFileSync(file, '#!/bin/sh\nexec sleep 600\n');
  chmodSync(file, 0o755);
  return file;
}

async function startSilentEtcd(): Promise<StartedProcess> {
  writeWeftYaml(folder.path, {
    registry: { port: 0, store: 'etcd', etcd: { port: 0 } },
    services: { shop: { command: stubCommand('shop') } },
  });
  up({ ETCD_BIN: silentEtcd() });
  return await eventually(
    () => {
      const [etcd] = meshStateOf(folder.path).processes;
      if (etcd === undefined) throw new Error('no etcd is recorded');
      return etcd;
    },
    { withinMs: 20_000 },
  );
}

describe('an etcd that does not answer', () => {
  it('is ended at the first Ctrl-C', async () => {
    const etcd = await startSilentEtcd();
    const startMs = performance.now();
    mesh.signal('SIGINT');
    expect((await mesh.exited).code).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(3000);
    expect(isAlive(etcd)).toBe(false);
  });

  it('is known, and ended by down, when weft up was killed', async () => {
    const etcd = await startSilentEtcd();
    expect(etcd.name).toBe('etcd');
    await killOrchestrator();
    expect(isAlive(etcd)).toBe(true);
    expect(await weft('down')).toMatchObject({ code: 0 });
    expect(isAlive(etcd)).toBe(false);
  });
});

describe('what a killed weft up leaves running', () => {
  it('is told by status and ended by down', async () => {
    writeWeftYaml(folder.path, {
      registry: { port: 0, store: 'memory' },
      services: { shop: { command: stubCommand('shop'), instances: 2 } },
    });
    up();
    await mesh.waitFor(/The mesh is up/);
    await killOrchestrator();
    expect(left.filter(isAlive)).toHaveLength(3);
    expect(await weft('call', 'shop', 'GetUser', '{"id": "7"}')).toMatchObject({ code: 0 });

    const status = await weft('status');
    expect(status.code).toBe(1);
    expect(status.stderr).toContain(`weft up (pid ${mesh.pid}) is gone`);
    for (const { name, pid } of left) expect(status.stderr).toContain(`${name} (pid ${pid})`);
    expect(await weft('scale', 'shop=3')).toEqual({ ...status });
    expect(left.filter(isAlive)).toHaveLength(3);

    expect(await weft('down')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'weft: ended what an earlier weft up left running: registry, shop-1, shop-2\n',
    });
    expect(left.filter(isAlive)).toEqual([]);
    expect(await weft('status')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no mesh is up/),
    });
    expect(await weft('down')).toMatchObject({ code: 1 });
  }, 60_000);
});
