import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const main = join(import.meta.dirname, '..', '..', 'registry', 'src', 'main.ts');

/** A registry in a process of its own, on a free port, to be killed. Always end it. */
export interface RegistryProcess {
  readonly address: string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, stopped or not. */
  end(): Promise<void>;
}

/** Starts one over an etcd, and waits until it is ready. */
export async function startRegistry(etcd: string, ...flags: string[]): Promise<RegistryProcess> {
  const args = ['--conditions=weft-source', '--no-warnings', main];
  const child: ChildProcess = spawn(
    process.execPath,
    [...args, '--port', '0', '--etcd', etcd, '--log-level', 'error', ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const address = await eventually(
    () => {
      const [, found] = /^registry ready on (\S+),/.exec(output) ?? [];
      if (found === undefined) throw new Error('the registry does not get ready');
      return found;
    },
    { withinMs: 20_000 },
  );
  return {
    address,
    signal: (signal) => void child.kill(signal),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
