import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const services = join(import.meta.dirname, '..', '..', 'services');

/** A service of the shop in a process of its own. Always end it. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  /** What the process wrote to standard output so far: its log as JSON lines. */
  readonly log: string;
  /** What the process wrote to standard error so far. */
  readonly errors: string;
  /** Resolves with the exit code; null when a signal ended the process. */
  readonly exited: Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  end(): Promise<void>;
}

/**
 * Starts user-, order- or payment-service; the registry lists it a little later.
 * @param name `user`, `order` or `payment`
 * @param environment over the environment of the test, such as WEFT_REGISTRY and WEFT_DATA_DIR
 * @param out descriptor that standard output goes to. Default: kept as `log`
 */
export function startService(
  name: string,
  environment: NodeJS.ProcessEnv,
  out: 'pipe' | number = 'pipe',
): ServiceProcess {
  const main = join(services, name, 'src', 'main.ts');
  const child = spawn(process.execPath, ['--conditions=weft-source', '--no-warnings', main], {
    stdio: ['ignore', out, 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output = { log: '', errors: '' };
  child.stdout?.on('data', (chunk) => {
    output.log += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.errors += chunk;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    get log() {
      return output.log;
    },
    get errors() {
      return output.errors;
    },
    exited,
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
