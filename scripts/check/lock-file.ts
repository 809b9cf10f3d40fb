import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tools/program.ts';
import type { Rule } from './rule.ts';

/** The part of package-lock.json (version 3) that is looked at: packages by path. */
export interface LockFile {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
}

/** Folders that a package at `path` is resolved from: its own, then each one above. */
function resolutionFolders(path: string): string[] {
  const end = path.lastIndexOf('/node_modules/');
  const above = end < 0 ? '' : path.slice(0, end);
  return path === '' ? ['node_modules/'] : [`${path}/node_modules/`, ...resolutionFolders(above)];
}

/**
 * Optional packages, such as the builds for other platforms, that a package names and the lock file
 * lacks: npm leaves out what could not be had on the machine that wrote the file, and then `npm ci`
 * refuses it or installs a package without its program elsewhere.
 */
export function missingOptionalPackages({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !resolutionFolders(path).some((folder) => `${folder}${name}` in packages))
      .map(([name, range]) => `${path} names ${name}@${range}, which package-lock.json lacks`),
  );
}

export const lockFile: Rule = {
  name: 'package-lock.json holds every platform',
  async check() {
    const lock: LockFile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    return { breaches: missingOptionalPackages(lock) };
  },
};
