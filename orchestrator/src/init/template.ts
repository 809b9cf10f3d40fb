import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { runsFromSource } from '../output/weft-command.ts';
import type { ServiceNames } from './service-names.ts';

/** Beside `src` and `dist`, the same for both. */
const FOLDER = join(import.meta.dirname, '..', '..', ...(runsFromSource ? [] : ['..']), 'template');
const SUFFIX = '.template';

/** Fills in what stands in double braces. */
function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{([^}]+)\}\}/g, (_whole, key: string) => {
    const value = values.get(key);
    if (value === undefined) throw new Error(`the template asks for ${key}`);
    return value;
  });
}

/** Where a file of the template goes in the new project. */
function placeOf(path: string, names: ServiceNames): string {
  switch (path) {
    case 'gitignore':
      return '.gitignore';
    case 'readme.md':
      return 'README.md';
    case 'proto/service.proto':
      return `proto/${names.package}/v1/${names.package}.proto`;
    default:
      return path;
  }
}

/**
 * The files of a new service by path.
 * @param packages how package.json asks for Weft's packages, by their names
 */
export function newServiceFiles(
  names: ServiceNames,
  packages: ReadonlyMap<string, string>,
): Map<string, string> {
  const values = new Map([
    ...packages,
    ['name', names.name],
    ['package', names.package],
    ['Service', names.service],
  ]);
  const files = new Map<string, string>();
  for (const entry of readdirSync(FOLDER, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(SUFFIX)) continue;
    const file = join(entry.parentPath, entry.name);
    const path = relative(FOLDER, file).slice(0, -SUFFIX.length).split(sep).join('/');
    files.set(placeOf(path, names), filled(readFileSync(file, 'utf8'), values));
  }
  return files;
}
