import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile, makePrivateFolder } from './private-files.ts';

/**
 * Takes a lock that one process on this machine can hold, and that the system lets go of when the
 * process ends, however it ends. Answers how to release it; undefined when another process has it.
 */
export function takeLock(file: string): (() => void) | undefined {
  makePrivateFolder(dirname(file));
  makePrivateFile(file);
  // Node offers no file locks; SQLite's are just those.
  const database = new DatabaseSync(file);
  try {
    // A journal on disk could not be begun on a full one.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const SQLITE_BUSY = 5;
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return () => database.close();
}
