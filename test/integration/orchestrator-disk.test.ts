import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import { identityOf, isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/mesh-status.ts';
import { canMount, type SmallDisk, smallDisk } from '../support/small-disk.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

let disk: SmallDisk;
let up: WeftProcess;

afterEach(async () => {
  up.signal('SIGTERM');
  await up.exited;
  for (const pid of running()) process.kill(pid, 'SIGKILL');
  disk[Symbol.dispose]();
});

/** The processes that run in the folder of the mesh, apart from weft itself. */
function running(): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === disk.path && pid !== up.pid;
    } catch {
      return false;
    }
  });
}

/** Those of them that the state does not name: no later weft would find them. */
function orphans(): number[] {
  const { processes } = meshStateOf(disk.path);
  const recorded = processes.filter(isAlive).map(({ pid }) => pid);
  return running().filter((pid) => !recorded.includes(pid));
}

const onDisk = canMount() ? it : it.skip;

onDisk(
  'a mesh on a full disk goes on, leaves no process unrecorded, and heals',
  async () => {
    disk = smallDisk(8 * 1024 * 1024);
    const shop = { command: stubCommand('shop'), instances: 2 };
    writeWeftYaml(disk.path, { registry: { port: 0, store: 'memory' }, services: { shop } });
    up = startWeft(['up'], { folder: disk.path });
    await up.waitFor(/The mesh is up/, 40_000);
    const before = await processesOf(disk.path, 'shop');

    disk.fill();
    process.kill(before[0]?.pid ?? 0, 'SIGKILL');
    await up.waitFor(/shop-1 was ended \(could not be recorded/);
    await up.waitFor(/cannot write .*state\.json.*no space left.*free some space/);
    expect(identityOf(up.pid)).toBeDefined();
    await eventually(() => expect(orphans()).toEqual([]));
    expect(await processesOf(disk.path, 'shop')).toMatchObject([
      { name: 'shop-1' },
      { name: 'shop-2', pid: before[1]?.pid, healthy: true },
    ]);

    disk.free();
    await eventually(
      async () => {
        const after = await processesOf(disk.path, 'shop');
        expect(after.map(({ healthy }) => healthy)).toEqual([true, true]);
        expect(orphans()).toEqual([]);
      },
      { withinMs: 20_000 },
    );

    // The next weft up finds every process once, and weft down ends them all on a full disk too.
    const processes = (await processesOf(disk.path)).map(({ name, pid }) => ({ name, pid }));
    up.signal('SIGKILL');
    await up.exited;
    up = startWeft(['up'], { folder: disk.path });
    await up.waitFor(/The mesh is up/, 40_000);
    expect(await processesOf(disk.path)).toMatchObject(processes);
    disk.fill();
    expect(await runWeft(['down'], { folder: disk.path })).toMatchObject({ code: 0 });
    expect((await up.exited).code).toBe(0);
    expect(running()).toEqual([]);
  },
  120_000,
);

onDisk('weft up says so when the disk is full already, and starts nothing', async () => {
  disk = smallDisk(512 * 1024);
  const shop = { command: stubCommand('shop') };
  writeWeftYaml(disk.path, { registry: { port: 0, store: 'memory' }, services: { shop } });
  disk.fill();
  up = startWeft(['up'], { folder: disk.path });
  const { code, stderr } = await up.exited;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^weft: cannot write .*state\.json.*no space left.*free some space/m);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(running()).toEqual([]);
});
