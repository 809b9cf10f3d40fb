import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { findEtcd } from '../../orchestrator/src/etcd/etcd-binary.ts';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { findProgram } from '../../scripts/tools/program.ts';
import { createTestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/mesh-status.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import {
  meshStateOf,
  runWeft,
  stubCommand,
  weftCommand,
  writeWeftYaml,
} from '../support/weft-process.ts';

const repository = join(import.meta.dirname, '..', '..');

/** util-linux's script(1), which gives a program a terminal, and takes it away when it ends. */
const script = process.platform === 'linux' ? findProgram('script') : undefined;

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

/** Runs a command of the shell in a terminal of its own. */
function startCommand(command: string, options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const terminal = spawn(script ?? '', ['-qfec', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...process.env, ETCD_ENDPOINTS: '', ...options.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const closed = once(terminal, 'close');
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    output: () => output,
    /** Types at its keyboard. */
    type: (keys: string) => void terminal.stdin.write(keys),
    closed,
    async close() {
      terminal.kill('SIGKILL');
      await closed;
    },
  };
}

/** Runs one of our programs in a terminal of its own. */
function startInTerminal(main: string, flags: readonly string[], env: NodeJS.ProcessEnv) {
  const words = [process.execPath, '--conditions=weft-source', join(repository, main), ...flags];
  return startCommand(`exec ${quoted(words)}`, { env });
}

/** A folder whose weft.yaml names one service, `shop`. */
function shopFolder() {
  const folder = tempFolder('weft-terminal-');
  writeWeftYaml(folder.path, {
    registry: { port: 0, store: 'memory' },
    services: { shop: { command: stubCommand('shop') } },
  });
  return folder;
}

const shopOf = (folder: string) =>
  meshStateOf(folder).processes.find(({ name }) => name === 'shop-1');

(script ? it : it.skip)('stops the mesh when its terminal is closed', async () => {
  using folder = shopFolder();
  const terminal = startCommand(`exec ${quoted(weftCommand(['up']))}`, { cwd: folder.path });
  await eventually(() => expect(terminal.output()).toMatch(/The mesh is up/), {
    withinMs: 20_000,
  });
  const { orchestrator, processes } = meshStateOf(folder.path);
  expect(processes).toHaveLength(2);

  await terminal.close();
  await eventually(
    () => expect([orchestrator, ...processes].filter((one) => isAlive(one))).toEqual([]),
    { withinMs: 10_000 },
  );
  // Nor did it die on the way: it put its things in order.
  expect(() => meshStateOf(folder.path)).toThrow(/no mesh is up/);
});

(script ? it : it.skip)('weft up --detach goes on when its terminal is closed', async () => {
  using folder = shopFolder();
  const run = { folder: folder.path };
  const up = quoted(weftCommand(['up', '--detach']));
  const terminal = startCommand(`${up}; echo ended with $?; sleep 600`, { cwd: folder.path });
  try {
    await eventually(() => expect(terminal.output()).toMatch(/ended with 0/), {
      withinMs: 20_000,
    });
    expect(terminal.output()).toMatch(
      /shop-1 runs at[\s\S]*The mesh is up[\s\S]*down +stops everything/,
    );
    await terminal.close();
    const again = await runWeft(['up', '--detach'], run);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/is up already \(pid/) });

    // It is still supervised, and no one reads what weft up says.
    process.kill(shopOf(folder.path)?.pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      const [shop] = await processesOf(folder.path, 'shop');
      expect(shop).toMatchObject({ healthy: true, restarts: 1 });
    });
  } finally {
    await terminal.close();
    expect(await runWeft(['down'], run)).toMatchObject({ code: 0 });
  }
  writeWeftYaml(folder.path, { services: { shop: { command: 'no-such-program' } } });
  expect(await runWeft(['up', '--detach'], run)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/there is no program 'no-such-program'/),
  });
});

(script ? it : it.skip)('goes on supervising while its terminal is held by Ctrl-S', async () => {
  using folder = shopFolder();
  const terminal = startCommand(`exec ${quoted(weftCommand(['up']))}`, { cwd: folder.path });
  const [hold, goOn, interrupt] = ['\x13', '\x11', '\x03'];
  try {
    await eventually(() => expect(terminal.output()).toMatch(/Ctrl-C here/), { withinMs: 20_000 });
    const before = shopOf(folder.path);
    terminal.type(hold);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await eventually(() => expect(before && isAlive(before)).toBe(false));
    const after = await eventually(() => {
      const now = shopOf(folder.path);
      expect(now && now.pid !== before?.pid).toBe(true);
      return now;
    });
    expect(after && isAlive(after)).toBe(true);
    expect(terminal.output()).not.toMatch(/shop-1 ended by itself/);
    terminal.type(goOn);
    await eventually(() =>
      expect(terminal.output()).toMatch(/shop-1 ended by itself[\s\S]*shop-1 runs at/),
    );
  } finally {
    terminal.type(goOn + interrupt);
    await terminal.closed;
  }
});

(script ? it : it.skip)('a service deregisters when its terminal is closed', async () => {
  using folder = tempFolder('weft-terminal-');
  const registry = await createTestRegistry();
  const { client, close } = createRegistryClient(registry.address);
  const terminal = startInTerminal('services/user/src/main.ts', [], {
    WEFT_REGISTRY: registry.address,
    WEFT_DATA_DIR: folder.path,
  });
  try {
    const { instances } = await eventually(() => client.getService({ service: 'user-service' }), {
      withinMs: 20_000,
    });
    expect(instances).toHaveLength(1);
    await terminal.close();
    // Its lease lasts for 10 s.
    await eventually(async () => expect((await client.listInstances({})).instances).toEqual([]), {
      withinMs: 4000,
    });
  } finally {
    close();
    await registry.close();
  }
});

(findEtcd() && script ? it : it.skip)(
  'a registry leaves in order when its terminal is closed',
  async () => {
    const etcd = await createTestEtcd();
    const flags = ['--store', 'etcd', '--etcd', etcd.endpoint, '--port', '0', '--http-port', 'off'];
    const terminal = startInTerminal('registry/src/main.ts', flags, {});
    const replicas = () => etcd.ctl('get', '--prefix', '--keys-only', '/weft/v1/registries/');
    try {
      await eventually(() => expect(terminal.output()).toMatch(/registry ready/), {
        withinMs: 20_000,
      });
      expect(await replicas()).not.toBe('');
      await terminal.close();
      await eventually(async () => expect(await replicas()).toBe(''), { withinMs: 3000 });
    } finally {
      await etcd.close();
    }
  },
);

(script ? it : it.skip)('has a registry that writes its log for people at a terminal', async () => {
  const flags = ['--store', 'memory', '--port', '0', '--http-port', 'off'];
  const terminal = startInTerminal('registry/src/main.ts', flags, {});
  await eventually(() => expect(terminal.output()).toMatch(/INFO.*listening/), {
    withinMs: 20_000,
  });
  expect(terminal.output()).not.toContain('"level"');
  await terminal.close();
});
