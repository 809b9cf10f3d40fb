import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { identityOf, isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  type WeftResult,
  writeWeftYaml,
} from '../support/weft-process.ts';

/** A folder of its own for each test, as they run at once, and what is up in it. */
class Stage implements AsyncDisposable {
  readonly #folder = tempFolder('weft-faults-');
  readonly #started: WeftProcess[] = [];
  readonly path = this.#folder.path;

  /** Runs a command of weft to its end. */
  weft(...words: string[]): Promise<WeftResult> {
    return runWeft(words, { folder: this.path });
  }

  up(): WeftProcess {
    const mesh = startWeft(['up'], { folder: this.path });
    this.#started.push(mesh);
    return mesh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#started) {
      one.signal('SIGTERM');
      await one.exited;
    }
    this.#folder[Symbol.dispose]();
  }
}

async function listenSomewhere(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

const memory = { port: 0, store: 'memory' };

describe('a mesh that cannot come up', () => {
  it.concurrent('has its faults named with line and path before anything starts', async () => {
    await using stage = new Stage();
    writeFileSync(
      join(stage.path, 'weft.yaml'),
      'services:\n  a:\n    command: run\n    dependencies: [b]\n  b:\n    command: run\n    dependencies: [a]\n',
    );
    expect(await stage.weft('up')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'weft: weft.yaml:4: services.a.dependencies: form a cycle, so none can start first: a -> b -> a\n',
    });
    expect(await stage.weft('up', '--file', 'other.yaml')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot read other\.yaml.*--file/),
    });
  });

  it.concurrent('has every taken port named before anything starts', async () => {
    await using stage = new Stage();
    const [one, two] = [await listenSomewhere(), await listenSomewhere()];
    writeWeftYaml(stage.path, {
      registry: { port: one.port, store: 'memory' },
      services: { shop: { command: stubCommand('shop'), port: two.port } },
    });
    const { code, stderr } = await stage.weft('up');
    one.server.close();
    two.server.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(`127.0.0.1:${one.port}, wanted for the registry, is taken`);
    expect(stderr).toMatch(`127.0.0.1:${two.port}, wanted for shop-1, is taken`);
    expect(stderr).toMatch(/set services\.shop\.port in weft\.yaml to another port or 0/);
    expect(stderr).not.toMatch(/runs at/);
  });

  it.concurrent('is taken down again when a service does not start, and why is quoted', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        stock: { command: stubCommand('stock') },
        shop: {
          command: stubCommand('shop'),
          dependencies: ['stock'],
          environment: { STUB_MODE: 'crash' },
        },
      },
    });
    const { code, stderr } = await stage.weft('up');
    expect(code).toBe(1);
    expect(stderr).toMatch(/shop-1 does not start: tried 3 times, last exit code 3/);
    expect(stderr).toMatch(/the stub crashes as told/);
    expect(stderr).toMatch(/stock-1 stopped \(exit code 0\)/);
    expect(stderr).toMatch(/registry stopped/);
    expect(() => meshStateOf(stage.path)).toThrow(/no mesh is up/);
  });

  it.concurrent('does not wait for ever for a service that hangs', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        shop: {
          command: stubCommand('shop'),
          environment: { STUB_MODE: 'hang' },
          health: { startTimeoutMs: 500 },
        },
      },
    });
    const { code, stderr } = await stage.weft('up');
    expect(code).toBe(1);
    expect(stderr).toMatch(/tried 3 times, last not healthy within 0\.5 s of its start/);
  });

  it.concurrent('has every command that cannot run named before anything starts', async () => {
    await using stage = new Stage();
    writeFileSync(join(stage.path, 'plain.sh'), 'echo plain');
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        fine: { command: stubCommand('fine') },
        missing: { command: 'no-such-program --now' },
        path: { command: './nothing' },
        plain: { command: './plain.sh' },
        folder: { command: '/' },
        shell: { command: 'A=1 node main.js' },
      },
    });
    const { code, stdout, stderr } = await stage.weft('up');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replaceAll(stage.path, '.').split('\n').slice(1, -1)).toEqual([
      "weft: services.missing.command in weft.yaml: there is no program 'no-such-program' in $PATH",
      "weft: services.path.command in weft.yaml: there is no file './nothing' in .",
      "weft: services.plain.command in weft.yaml: './plain.sh' is not executable; run chmod +x ./plain.sh, or name its interpreter first",
      "weft: services.folder.command in weft.yaml: '/' is not a file",
      "weft: services.shell.command in weft.yaml: there is no program 'A=1' in $PATH; commands run without a shell, so set variables under `environment`",
    ]);
    expect(existsSync(join(stage.path, '.weft', 'logs', 'registry.log'))).toBe(false);
  });

  it.concurrent('says what a service lacks while it waits for it', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        silent: { command: ['node', '-e', 'console.log("only me"); setInterval(() => {}, 1000)'] },
        foreign: {
          command: ['node', '-e', 'setInterval(() => {}, 1000)'],
          register: true,
          health: { type: 'http', path: '/healthz' },
        },
        sick: { command: stubCommand('sick'), health: { service: 'not.there.Service' } },
      },
    });
    const mesh = stage.up();
    await mesh.waitFor(/silent-1 is not healthy yet after 5 s: it has not registered/, 30_000);
    await mesh.waitFor(
      /sick-1 is not healthy yet after 5 s: .* SERVING for not\.there\.Service/,
      30_000,
    );
    await mesh.waitFor(
      /foreign-1 is not healthy yet after 5 s: no success of GET http:\S+\/healthz/,
    );
    expect(mesh.output()).toMatch(/silent-1 is not healthy yet .*silent-1\.log ends with: only me/);
  });
});

describe('weft demo', () => {
  it.concurrent('fails saying what failed, and leaves nothing behind', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: { shop: { command: stubCommand('shop') } },
    });
    const run = { folder: stage.path, env: { TMPDIR: stage.path } };
    const { code, stdout, stderr } = await runWeft(['demo', '--json'], run);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/user-service CreateUser: UNAVAILABLE: .*user-service/);
    expect(stderr).toMatch(/shop-2 stopped/);
    const [meshes = '', file] = readdirSync(stage.path).sort();
    expect([file, readdirSync(join(stage.path, meshes))]).toEqual(['weft.yaml', []]);
  });
});

describe('a mesh that is up', () => {
  it.concurrent('is stopped by weft down, and what ignores SIGTERM is killed', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        shop: {
          command: stubCommand('shop'),
          environment: { STUB_MODE: 'stubborn' },
          stopTimeoutMs: 300,
        },
      },
    });
    const mesh = stage.up();
    await mesh.waitFor(/The mesh is up/);
    const running = meshStateOf(stage.path).processes;
    expect(await stage.weft('down')).toMatchObject({ code: 0 });
    expect(identityOf(mesh.pid)).toBeUndefined();
    expect((await mesh.exited).code).toBe(0);
    expect(mesh.output()).toMatch(/shop-1 stopped \(signal SIGKILL\)/);
    expect(running.filter(isAlive)).toEqual([]);
    expect(await stage.weft('down')).toMatchObject({ code: 1 });
  });

  it.concurrent('can be stopped while it starts, and killed by a second Ctrl-C', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: {
        shop: { command: stubCommand('shop'), environment: { STUB_MODE: 'stubborn' } },
        later: {
          command: stubCommand('later'),
          dependencies: ['shop'],
          environment: { STUB_MODE: 'hang' },
        },
      },
    });
    const mesh = stage.up();
    await mesh.waitFor(/shop-1 runs at/);
    await eventually(() =>
      expect(meshStateOf(stage.path).processes.map(({ name }) => name)).toContain('later-1'),
    );
    const running = meshStateOf(stage.path).processes;
    mesh.signal('SIGINT');
    await mesh.waitFor(/later-1 stopped/);
    // At once it would be taken for the same Ctrl-C, told twice.
    await eventually(
      () => {
        const isKilling = /killing what is left/.test(mesh.output());
        if (!isKilling) mesh.signal('SIGINT');
        expect(isKilling).toBe(true);
      },
      { everyMs: 300 },
    );
    expect((await mesh.exited).code).toBe(0);
    expect(running.filter(isAlive)).toEqual([]);
  });

  it.concurrent('can be stopped by weft down while it starts', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: { shop: { command: stubCommand('shop'), environment: { STUB_MODE: 'hang' } } },
    });
    const mesh = stage.up();
    await eventually(() => expect(meshStateOf(stage.path).processes).toHaveLength(2), {
      withinMs: 20_000,
    });
    expect(await stage.weft('down')).toMatchObject({ code: 0 });
    const { code, stderr } = await mesh.exited;
    expect({ code, last: stderr.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      last: 'weft: stopped',
    });
  });

  it.concurrent('waits longer and longer for a service that keeps crashing', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: memory,
      services: { shop: { command: stubCommand('shop') } },
    });
    const mesh = stage.up();
    await mesh.waitFor(/The mesh is up/);
    mkdirSync(join(stage.path, '.weft', 'data', 'shop'), { recursive: true });
    writeFileSync(join(stage.path, '.weft', 'data', 'shop', 'mode'), 'crash');
    const pid = meshStateOf(stage.path).processes.find(({ name }) => name === 'shop-1')?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    const restarting = /shop-1 ended by itself .*; starting it again in ([\d.]+) s/g;
    const waits = await eventually(
      () => {
        const found = [...mesh.output().matchAll(restarting)].map(([, seconds]) => Number(seconds));
        expect(found.length).toBeGreaterThanOrEqual(5);
        return found;
      },
      { withinMs: 15_000 },
    );
    expect(waits[0]).toBeLessThanOrEqual(0.1);
    expect(waits[4]).toBeGreaterThanOrEqual(0.8);
    writeFileSync(join(stage.path, '.weft', 'data', 'shop', 'mode'), '');
    await mesh.waitFor(/(shop-1 runs at[\s\S]*){2}/);
  });
});

describeWith(['etcd'], 'a mesh with an etcd of its own', () => {
  it.concurrent('starts a killed etcd again at its address, and keeps its data between runs', async () => {
    await using stage = new Stage();
    writeWeftYaml(stage.path, {
      registry: { port: 0, store: 'etcd', etcd: { port: 0 } },
      services: { shop: { command: stubCommand('shop') } },
    });
    const mesh = stage.up();
    await mesh.waitFor(/The mesh is up/);
    const { etcd, processes } = meshStateOf(stage.path);
    process.kill(processes.find(({ name }) => name === 'etcd')?.pid ?? 0, 'SIGKILL');
    await mesh.waitFor(/etcd ended by itself[\s\S]*etcd runs at/);
    expect(mesh.output().match(new RegExp(`etcd runs at ${etcd}`, 'g'))).toHaveLength(2);
    await eventually(
      async () => {
        expect(await stage.weft('call', 'shop', 'GetUser', '{"id": "x"}')).toMatchObject({
          code: 0,
        });
      },
      { withinMs: 10_000 },
    );
    mesh.signal('SIGINT');
    expect((await mesh.exited).code).toBe(0);
    const again = stage.up();
    await again.waitFor(/The mesh is up/);
    expect(again.output()).not.toMatch(/ended by itself/);
  });
});
