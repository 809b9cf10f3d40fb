import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { PackedProject } from './packed-sdk.ts';

/** What became of a load. */
export interface LoadReport {
  readonly calls: number;
  readonly orders: number;
  readonly answered: number;
  readonly slowestMs: number;
  /** When, status code and message of each failed call. */
  readonly failures: readonly string[];
}

/** A load that is running. */
export interface PackedLoad {
  /** Ends it; may be called again. */
  stop(): Promise<LoadReport>;
}

/** The program that makes the load, to put in a packed project. */
export const loadProgram = readFileSync(
  join(import.meta.dirname, '..', 'fixtures', 'packed-program', 'load.ts'),
  'utf8',
);

/**
 * Runs the compiled load program of a packed project under plain Node until `stop`, which waits for its
 * last calls and answers what became of all.
 */
export async function startLoad(
  { path }: PackedProject,
  registry: string,
  callsPerSecond: number,
): Promise<PackedLoad> {
  const child = spawn(process.execPath, ['load.js', registry, String(callsPerSecond)], {
    cwd: path,
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  await eventually(() => {
    if (!output.startsWith('running\n')) throw new Error(`the load does not run: ${errors}`);
  });
  return {
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const code = await exited;
      clearTimeout(force);
      if (code !== 0) throw new Error(`the load ended with ${code}: ${errors}`);
      return JSON.parse(output.slice('running\n'.length)) as LoadReport;
    },
  };
}
