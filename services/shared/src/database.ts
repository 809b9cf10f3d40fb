import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for another process that writes to the same file. */
const BUSY_TIMEOUT_MS = 5000;
const SQLITE_BUSY = 5;

/** Where a service keeps its data: in `$WEFT_DATA_DIR`, else below the working directory. */
export function databaseFile(service: string): string {
  const folder = process.env.WEFT_DATA_DIR || join('.weft', 'data', service);
  return join(resolve(folder), `${service}.db`);
}

/**
 * Opens a service's own database, shared with its other instances on this machine, and brings it to
 * `schema`, whose statements must change nothing the second time. Integers are read as bigint.
 * A transaction that committed survives kill -9 and, synchronous being FULL, a power cut too.
 */
export function openDatabase(file: string, schema: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, readBigInts: true });
  try {
    enterWal(db);
    db.exec('PRAGMA synchronous = FULL');
    inTransaction(db, () => db.exec(schema));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs `work` as one transaction that no other writer can come between. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk and the like roll back by themselves.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite does not wait by itself when two processes switch a fresh file to WAL at the same moment. */
function enterWal(db: DatabaseSync): void {
  const end = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
