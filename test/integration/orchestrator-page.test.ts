import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/mesh-status.ts';
import { tempFolder } from '../support/temp-folder.ts';
import {
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

/** Addresses that no other test and no mesh of the machine uses: every port of theirs is free. */
const FREE_HOST = '127.74.80.1';
const TAKEN_HOST = '127.74.80.2';

interface UpMesh {
  readonly folder: ReturnType<typeof tempFolder>;
  up: WeftProcess;
}

async function startMesh(host: string): Promise<UpMesh> {
  const folder = tempFolder('weft-page-');
  writeWeftYaml(folder.path, {
    host,
    registry: { port: 0, httpPort: undefined, store: 'memory' },
    services: { shop: { command: stubCommand('shop') } },
  });
  const mesh = { folder, up: startWeft(['up'], { folder: folder.path }) };
  try {
    await mesh.up.waitFor(/The mesh is up/, 40_000);
  } catch (error) {
    await stopMesh(mesh);
    throw error;
  }
  return mesh;
}

async function stopMesh({ folder, up }: UpMesh): Promise<void> {
  up.signal('SIGTERM');
  await up.exited;
  folder[Symbol.dispose]();
}

const pageIn = (text: string) => /http:\/\/[\d.]+:\d+\//.exec(text)?.[0] ?? '';

describe('the web page of a mesh', () => {
  let other: Server;
  let free: UpMesh;
  let taken: UpMesh;

  beforeAll(async () => {
    other = createServer().listen(7480, TAKEN_HOST);
    await once(other, 'listening');
    [free, taken] = await Promise.all([startMesh(FREE_HOST), startMesh(TAKEN_HOST)]);
  }, 60_000);
  afterAll(async () => {
    other.close();
    await Promise.all([free, taken].map((mesh) => mesh && stopMesh(mesh)));
  });

  it('is at port 7480, as `up` and `status` print', async () => {
    const page = `http://${FREE_HOST}:7480/`;
    expect(free.up.output()).toContain(page);
    const { stdout } = await runWeft(['status'], { folder: free.folder.path });
    expect(stdout).toContain(page);
    const { stdout: json } = await runWeft(['status', '--json'], { folder: free.folder.path });
    expect(JSON.parse(json).pageUrl).toBe(page);
    expect(await (await fetch(page)).text()).toContain('<title>Weft</title>');
  });

  it('is at another port if 7480 is taken', async () => {
    const page = pageIn(taken.up.output());
    expect(page).toMatch(`http://${TAKEN_HOST}:`);
    expect(page).not.toContain(':7480/');
    expect((await fetch(page)).status).toBe(200);
  });

  it('is at the same address after a crash of the registry, and of `weft up`', async () => {
    await Promise.all(
      [free, taken].map(async (mesh) => {
        const { folder } = mesh;
        const page = pageIn(mesh.up.output());
        const [registry] = await processesOf(folder.path, 'registry');
        process.kill(registry?.pid ?? 0, 'SIGKILL');
        await eventually(async () => expect((await fetch(page)).status).toBe(200), {
          withinMs: 20_000,
        });
        mesh.up.signal('SIGKILL');
        await mesh.up.exited;
        mesh.up = startWeft(['up'], { folder: folder.path });
        await mesh.up.waitFor(/The mesh is up/, 40_000);
        expect(pageIn(mesh.up.output())).toBe(page);
        const [adopted] = await processesOf(folder.path, 'registry');
        const { stdout } = await runWeft(['status'], { folder: folder.path });
        expect(stdout).toContain(page);
        expect(adopted?.restarts).toBe(0);
      }),
    );
  }, 90_000);
});
