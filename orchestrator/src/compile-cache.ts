import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for what a program of the user can make again: `$XDG_CACHE_HOME`, `%LOCALAPPDATA%` or `~/.cache`. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  return XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache');
}

/**
 * Keeps compiled code between runs, in `weft/compiled` below the user's cache folder; `$NODE_COMPILE_CACHE`
 * names another folder. Without it, half of the time of a command goes into compiling. If the folder cannot be
 * written, nothing is kept. Only modules that are loaded afterwards take part.
 */
export function keepCompiledCode(): void {
  enableCompileCache(process.env.NODE_COMPILE_CACHE || join(cacheFolder(), 'weft', 'compiled'));
}
