import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createMesh } from '@weft/client-sdk';
import { askOrchestrator } from '../../../orchestrator/src/control/control-client.ts';
import { meshFolder } from '../../../orchestrator/src/mesh-folder.ts';
import { root } from '../../../scripts/tools/program.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import {
  meshStateOf,
  startWeft,
  stubCommand,
  weftCommand,
  writeWeftYaml,
} from '../../support/weft-process.ts';
import type { Bench } from '../harness/bench.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import { median } from '../harness/stats.ts';

const METRIC = 'ms to the exit';
/** Of what a command asks: what it takes in a process that has loaded everything is not counted. */
const BEFORE_CALL = 'ms to the exit, less the call';
const SERVICE = 'stub-service';

async function elapsed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

/** Runs a program to its end. @throws Error unless it succeeds */
async function runProgram(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { cwd, env, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}`);
}

/** A mesh of one service on free ports, run by `weft up`, for as long as `use` takes. */
async function onMesh<T>(folder: string, use: (registry: string) => Promise<T>): Promise<T> {
  writeWeftYaml(folder, {
    registry: { port: 0, store: 'memory' },
    services: { [SERVICE]: { command: stubCommand(SERVICE), instances: 2 } },
  });
  const up = startWeft(['up'], { folder });
  try {
    await up.waitFor(/The mesh is up/, 60_000);
    return await use(meshStateOf(folder).registry);
  } finally {
    up.signal('SIGTERM');
    await up.exited;
  }
}

/** How long a command takes, from its start to its exit, against Node that does nothing. */
export const cli: Bench = {
  name: 'cli',
  about: 'commands of weft from start to exit, against `node -e 0`',
  async run(effort, reporter) {
    using folder = tempFolder('weft-bench-');
    const env = { ...process.env, XDG_CACHE_HOME: folder.path, NODE_COMPILE_CACHE: '' };
    const times = effort.isQuick ? 1 : 5;
    const arm = (name: string, words: readonly string[], call?: () => Promise<unknown>): Arm => ({
      name,
      async measure() {
        const cwd = words[0] === 'npm' ? root : folder.path;
        const totals: number[] = [];
        const calls: number[] = [];
        for (let count = 0; count < times; count += 1) {
          totals.push(await elapsed(() => runProgram(words, cwd, env)));
          if (call !== undefined) calls.push(await elapsed(call));
        }
        const total = median(totals);
        if (words[1] === '-e') return { [METRIC]: total, [BEFORE_CALL]: total };
        return { [METRIC]: total, ...(call && { [BEFORE_CALL]: total - median(calls) }) };
      },
    });
    return await onMesh(folder.path, async (registry) => {
      const mesh = meshFolder(join(folder.path, '.weft'));
      const askStatus = () => askOrchestrator(mesh, (client) => client.getStatus({}));
      const call = async () => {
        const caller = createMesh({ registry });
        await caller.call(SERVICE, 'GetUser', { id: '1' });
        caller.close();
      };
      const node = arm('node', [process.execPath, '-e', '0']);
      const arms = [
        arm('node again', [process.execPath, '-e', '0']),
        arm('--help', weftCommand(['--help'])),
        arm('--version', weftCommand(['--version'])),
        arm('completion', weftCommand(['__complete', '--', 'sta'])),
        arm('status', weftCommand(['status']), askStatus),
        arm('call', weftCommand(['call', SERVICE, 'GetUser', '{"id": "1"}']), call),
        arm('npm run weft -- --version', ['npm', 'run', 'weft', '--', '--version']),
      ];
      // The first start of each command compiles; the first call in this process does, too.
      reporter.progress('warming up');
      for (const each of arms) await each.measure(0);
      const table = await alternate('cli', [node, ...arms], effort, reporter);
      return arms.flatMap(({ name }) => {
        const suffix = name === 'node again' ? ' (A/A)' : '';
        return table.rows('cli', `${name} vs node -e 0${suffix}`, name, node.name);
      });
    });
  },
};
