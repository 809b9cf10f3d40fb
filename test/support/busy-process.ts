import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that keeps a core busy, and leads a process group of its own. Always end it. */
export async function startBusyProcess(): Promise<{ pid: number; end(): Promise<void> }> {
  const work = 'process.stdout.write("busy"); for (;;);';
  const child = spawn(process.execPath, ['-e', work], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: Number(child.pid),
    async end() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** Blocks this process, so that time passes also under fake timers. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
