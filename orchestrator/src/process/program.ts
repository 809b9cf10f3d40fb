import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';

/** What to run. */
export interface Program {
  /** Program and arguments; no shell. `node` is the one that runs us. */
  readonly command: readonly string[];
  readonly folder: string;
  /** Over our own environment; undefined takes a variable away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Names of variables for etcd that the program inherits, see `childEnvironment`. Default: none. */
  readonly etcdVariables?: readonly string[] | undefined;
}

/** Variables of etcd, etcdctl and our registry: addresses, users, passwords, keys. */
const ETCD_VARIABLE = /^ETCD(CTL)?_/;

/**
 * Builds the environment of a program: our own, and over it what the program sets. The Node that runs us comes first in
 * $PATH. Variables for etcd are left out, because they hold secrets that services do not need.
 */
export function childEnvironment({
  environment,
  etcdVariables = [],
}: Pick<Program, 'environment' | 'etcdVariables'>): Record<string, string | undefined> {
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const own = Object.entries(process.env).filter(
    ([name]) => !ETCD_VARIABLE.test(name) || etcdVariables.includes(name),
  );
  return { ...Object.fromEntries(own), PATH: path, ...environment };
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
export function programFault(program: Program): string | undefined {
  const { command, folder } = program;
  const [name = ''] = command;
  // Windows has rules of its own: extensions, registered applications.
  if (process.platform === 'win32') return undefined;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return `there is no folder ${folder} to run in`;
  }
  if (!name.includes('/')) {
    const folders = (childEnvironment(program).PATH ?? '').split(delimiter);
    const isThere = folders.some((each) => pathFault(resolve(folder, each, name)) === undefined);
    return isThere ? undefined : missingProgram(name);
  }
  const fault = pathFault(resolve(folder, name));
  if (fault === 'missing') return `there is no file '${name}' in ${folder}`;
  if (fault === 'no file') return `'${name}' is not a file`;
  if (fault === undefined) return undefined;
  return `'${name}' is not executable; run chmod +x ${name}, or name its interpreter first`;
}
