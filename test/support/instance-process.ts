import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const stub = join(import.meta.dirname, '..', 'fixtures', 'stub-service.ts');

/** One instance of a service in a process of its own, to send signals to. Always end it. */
export interface InstanceProcess {
  readonly id: string;
  /** Its exit code, once it has ended; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, stopped or not. */
  end(): Promise<void>;
}

/**
 * Starts an instance that answers GetUser with its id; it is listed a little later.
 * @param ttlSeconds of its lease
 * @param environment what else the stub service is told
 */
export function startInstance(
  registry: string,
  service: string,
  id: string,
  ttlSeconds = 30,
  environment: Record<string, string> = {},
): InstanceProcess {
  const STUB_TTL = String(ttlSeconds);
  const env = {
    ...process.env,
    WEFT_REGISTRY: registry,
    WEFT_INSTANCE_ID: id,
    STUB_TTL,
    ...environment,
  };
  const args = ['--conditions=weft-source', '--no-warnings', stub, service];
  const child: ChildProcess = spawn(process.execPath, args, {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return {
    id,
    exited: once(child, 'exit').then(([code]) => code),
    signal: (signal) => void child.kill(signal),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
