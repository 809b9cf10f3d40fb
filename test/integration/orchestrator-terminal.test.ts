import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { findProgram } from '../../scripts/tools/program.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { meshStateOf, stubCommand, weftCommand, writeWeftYaml } from '../support/weft-process.ts';

/** util-linux's script(1), which gives a program a terminal, and takes it away when it ends. */
const script = process.platform === 'linux' ? findProgram('script') : undefined;

(script ? it : it.skip)('stops the mesh when its terminal is closed', async () => {
  using folder = tempFolder('weft-terminal-');
  writeWeftYaml(folder.path, {
    registry: { port: 0, store: 'memory' },
    services: { shop: { command: stubCommand('shop') } },
  });
  const command = weftCommand(['up']).map((word) => `'${word}'`);
  const terminal = spawn(script ?? '', ['-qfec', `exec ${command.join(' ')}`, '/dev/null'], {
    cwd: folder.path,
    env: { ...process.env, ETCD_ENDPOINTS: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await eventually(() => expect(output).toMatch(/The mesh is up/), { withinMs: 20_000 });
  const { orchestrator, processes } = meshStateOf(folder.path);
  expect(processes).toHaveLength(2);

  const ended = once(terminal, 'close');
  terminal.kill('SIGKILL');
  await ended;
  await eventually(
    () => expect([orchestrator, ...processes].filter((one) => isAlive(one))).toEqual([]),
    { withinMs: 10_000 },
  );
  // Nor did it die on the way: it put its things in order.
  expect(() => meshStateOf(folder.path)).toThrow(/no mesh is up/);
});

(script ? it : it.skip)('has a registry that writes its log for people at a terminal', async () => {
  const registry = join(import.meta.dirname, '..', '..', 'registry', 'src', 'main.ts');
  const words = [process.execPath, '--conditions=weft-source', registry];
  const flags = ['--store', 'memory', '--port', '0', '--http-port', 'off'];
  const command = [...words, ...flags].map((word) => `'${word}'`).join(' ');
  const { ETCD_ENDPOINTS: _, ...env } = process.env;
  const terminal = spawn(script ?? '', ['-qfec', `exec ${command}`, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await eventually(() => expect(output).toMatch(/INFO.*listening/), { withinMs: 20_000 });
  expect(output).not.toContain('"level"');
  const ended = once(terminal, 'close');
  terminal.kill('SIGTERM');
  await ended;
});
