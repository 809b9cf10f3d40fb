import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Root of the repository. */
export const root = join(import.meta.dirname, '..', '..');

/** Where programs that tests need are put when the machine lacks them; not committed. */
export const cachedPrograms = join(root, '.cache', 'bin');

/** Folders that programs are looked for in: PATH, Go's, then our own. */
function folders(): string[] {
  const { PATH = '', GOBIN, GOPATH = join(homedir(), 'go') } = process.env;
  const gopaths = GOPATH.split(delimiter).map((path) => join(path, 'bin'));
  return [...PATH.split(delimiter), GOBIN ?? '', ...gopaths, cachedPrograms].filter(Boolean);
}

/** The path of a program from PATH, Go's folder for programs or `.cache/bin`; undefined: there is none. */
export function findProgram(name: string): string | undefined {
  return folders()
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** How a program ended. */
export interface Ended {
  /** Exit code; -1 when it could not be started or was ended by a signal. */
  readonly code: number;
  /** What it printed, both streams in the order they came. */
  readonly output: string;
}

/** Runs a program to its end, without a shell and without input; never throws. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const { cwd = root, env = process.env } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const end = (code: number, note = '') =>
      resolve({ code, output: `${Buffer.concat(chunks).toString('utf8')}${note}` });
    child.once('error', (error) => end(-1, error.message));
    child.once('close', (code, signal) => end(code ?? -1, signal ? `ended by ${signal}` : ''));
  });
}
