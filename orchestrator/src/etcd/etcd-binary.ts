import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Folders from the one of this file up to the root of the file system. */
function* ancestors(): Generator<string> {
  let folder = import.meta.dirname;
  for (;;) {
    yield folder;
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

function findCached(name: string): string | undefined {
  for (const folder of ancestors()) {
    const path = join(folder, '.cache', 'bin', name);
    if (isExecutable(path)) return path;
    // Nothing above the repository is ours to run.
    if (existsSync(join(folder, 'package-lock.json'))) return undefined;
  }
  return undefined;
}

/**
 * The path of a program of etcd's: `etcd` or `etcdctl`, from PATH, else from the repository's
 * `.cache/bin`; undefined where there is none.
 */
export function findEtcdTool(name: 'etcd' | 'etcdctl', env = process.env): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
  }
  return findCached(name);
}

/**
 * The path of the etcd server: `$ETCD_BIN`, else from PATH, else from the repository's `.cache/bin`;
 * undefined where there is none.
 * @throws Error when `$ETCD_BIN` is set and is no program.
 */
export function findEtcd(env = process.env): string | undefined {
  const named = env.ETCD_BIN;
  if (named === undefined || named === '') return findEtcdTool('etcd', env);
  if (isExecutable(named)) return named;
  throw new Error(`ETCD_BIN names '${named}', which is not an executable file`);
}
