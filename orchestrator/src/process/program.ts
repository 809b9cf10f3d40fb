import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';

/** What to run. */
export interface Program {
  /** Program and arguments; no shell. `node` is the one that runs us. */
  readonly command: readonly string[];
  readonly folder: string;
  /** Over our own environment; undefined takes a variable away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The whole environment of a program: what it sets over our own, with the Node that runs us first in $PATH. */
export function childEnvironment(own: Program['environment']): Record<string, string | undefined> {
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path, ...own };
}

/** Why nothing runs by this path; undefined if it can. */
function pathFault(path: string): 'missing' | 'no file' | 'not executable' | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'missing';
  if (!found.isFile()) return 'no file';
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'not executable';
  }
}

function missingProgram(name: string): string {
  const advice = /^\w+=/.test(name)
    ? '; commands run without a shell, so set variables under `environment`'
    : '';
  return `there is no program '${name}' in $PATH${advice}`;
}

/**
 * Why a program cannot be started, as far as can be known before: its file is missing, no file, or not executable.
 * @returns undefined if it can
 */
export function programFault({ command, folder, environment }: Program): string | undefined {
  const [name = ''] = command;
  // Windows has rules of its own: extensions, registered applications.
  if (process.platform === 'win32') return undefined;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return `there is no folder ${folder} to run in`;
  }
  if (!name.includes('/')) {
    const folders = (childEnvironment(environment).PATH ?? '').split(delimiter);
    const isThere = folders.some((each) => pathFault(resolve(folder, each, name)) === undefined);
    return isThere ? undefined : missingProgram(name);
  }
  const fault = pathFault(resolve(folder, name));
  if (fault === 'missing') return `there is no file '${name}' in ${folder}`;
  if (fault === 'no file') return `'${name}' is not a file`;
  if (fault === undefined) return undefined;
  return `'${name}' is not executable; run chmod +x ${name}, or name its interpreter first`;
}
