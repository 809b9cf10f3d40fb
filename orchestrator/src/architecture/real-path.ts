import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** An absolute path with its links followed, as far as it exists: a store need not be there yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
