import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEndSignals } from '@weft/proto';
import type { MeshFolder } from '../mesh-folder.ts';
import { makePrivateFolder } from '../private-files.ts';
import { LogTail } from '../process/log-tail.ts';

/** Set for a detached `weft up`: the `weft up --detach` that started it waits until the mesh is up. */
const VARIABLE = 'WEFT_DETACHED';
const POLL_MS = 100;

/** Whether this `weft up` runs detached. Removes the variable, so that the services do not inherit it. */
export function isDetached(): boolean {
  const value = process.env[VARIABLE];
  delete process.env[VARIABLE];
  return value !== undefined;
}

/** Reports to the `weft up --detach` that started this process that the mesh is up, if it still runs. */
export function reportUp(): void {
  if (!process.connected) return;
  process.send?.('up', () => {
    if (process.connected) process.disconnect();
  });
}

/**
 * Runs `weft up` in a session of its own, so that it goes on when the terminal is closed. Prints its output until the
 * mesh is up or the start has failed.
 * @param words the command line after `weft`
 * @returns 0 once the mesh is up, else the exit code of `weft up`
 */
export async function runDetached(folder: MeshFolder, words: readonly string[]): Promise<number> {
  makePrivateFolder(folder.path);
  const outputFile = join(folder.path, 'up.out');
  const output = openSync(outputFile, 'w', 0o600);
  const program = [...process.execArgv, process.argv[1] ?? '', ...words];
  const child = spawn(process.execPath, program, {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, [VARIABLE]: '1' },
  });
  closeSync(output);
  let code: number | undefined;
  child.once('message', () => {
    code = 0;
  });
  child.once('exit', (exitCode) => {
    code ??= exitCode ?? 1;
  });
  const stop = () => void child.kill('SIGTERM');
  const dispose = onEndSignals({ onFirst: stop, onAgain: stop });
  const tail = LogTail.fromStart(outputFile);
  const show = () => {
    for (const line of tail.read()) process.stderr.write(`${line}\n`);
  };
  while (code === undefined) {
    await sleep(POLL_MS);
    show();
  }
  show();
  dispose();
  if (child.connected) child.disconnect();
  child.unref();
  return code;
}
