import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const main = join(import.meta.dirname, '..', '..', 'registry', 'src', 'main.ts');

/** The registry in a process of its own. Always end it. */
export interface RegistryProcess {
  readonly child: ChildProcess;
  /** What it wrote so far; its log goes to `err`. */
  readonly output: { out: string; err: string };
  /** Resolves with its exit code. */
  readonly exited: Promise<number | null>;
  /** Resolves with its address once it says that it is ready. */
  ready(): Promise<string>;
  /** SIGKILL, stopped or not; resolves when it is gone. */
  end(): Promise<void>;
}

export interface RegistryProcessOptions {
  /** Flags of the registry; it lists whom it cannot reach, so that made-up instances do. */
  flags: readonly string[];
  /** Flags of Node. */
  node?: readonly string[];
}

export function startRegistry({ flags, node = [] }: RegistryProcessOptions): RegistryProcess {
  const { ETCD_ENDPOINTS: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=weft-source', ...node, main],
      ...['--no-callback', '--http-port', '0', ...flags],
    ],
    {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = () => {
    const [, address] = /^registry ready on (\S+),/m.exec(output.out) ?? [];
    if (address === undefined) throw new Error(`not ready: ${output.err}`);
    return address;
  };
  return {
    child,
    output,
    exited,
    ready: () => eventually(ready, { withinMs: 60_000 }),
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
