import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { currentCall } from '@weft/client-sdk';
import { messageOf } from '@weft/proto';
import { whenFree } from './busy-wait.ts';
import { isBusy, statusOf } from './database-status.ts';
import { migrate, versionOf } from './migrate.ts';

/** How long a write waits for the lock at most, in ms. */
const MAX_WAIT_MS = 5000;
/** The share of the time left that a write leaves for its response to arrive before the deadline of the call. */
const RESPONSE_SHARE = 0.2;

/** Where a service keeps its data: in `$WEFT_DATA_DIR`, else below the working directory. */
export function databaseFile(service: string): string {
  const folder = process.env.WEFT_DATA_DIR || join('.weft', 'data', service);
  return join(resolve(folder), `${service}.db`);
}

/**
 * A service's own database file, which its other instances on this machine share.
 *
 * A transaction that committed survives kill -9 and, with `synchronous = FULL`, a power cut. Integers are
 * read as bigint. Nothing here blocks the event loop to wait for another process: SQLite's own wait
 * (`busy_timeout`) is off, and writes wait asynchronously.
 */
export class Database {
  readonly #db: DatabaseSync;
  #isStopping = false;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Opens the file, or creates it, and runs the migrations that it lacks. Await it before the service serves.
   *
   * During a rolling restart, instances of the version before run on the migrated file. So a migration may add
   * tables, indexes and columns with defaults, and must leave the rest as it is.
   * @param file `:memory:` for a database that is not kept
   * @param migrations SQL, in the order of the versions that added it; released ones never change
   * @throws Error naming the file if the file cannot be used, if another version of the service wrote it, or
   * if another process holds its lock for 5 s
   */
  static async open(file: string, migrations: readonly string[]): Promise<Database> {
    try {
      if (file !== ':memory:') makePrivate(file);
      return new Database(await openMigrated(file, migrations));
    } catch (error) {
      const message = `cannot use the database ${file}: ${messageOf(error)}`;
      throw new Error(message, { cause: error });
    }
  }

  /**
   * Reads. A writer in another process does not block readers.
   * @throws ABORTED with the reason DATABASE_BUSY in the rare case that SQLite recovers the file just then
   */
  read<T>(work: (db: DatabaseSync) => T): T {
    try {
      return work(this.#db);
    } catch (error) {
      throw statusOf(error);
    }
  }

  /**
   * Runs `work` as one transaction that no other writer can come between. While another process writes,
   * the transaction waits: until shortly before the deadline of the call being handled, 5 s at most.
   * @throws ABORTED with the reason DATABASE_BUSY if the wait ends in vain, RESOURCE_EXHAUSTED with the
   * reason DATABASE_FULL if the disk is full; nothing is written then
   */
  async write<T>(work: (db: DatabaseSync) => T): Promise<T> {
    const { deadline = Number.POSITIVE_INFINITY, signal } = currentCall() ?? {};
    const leftMs = (deadline - Date.now()) * (1 - RESPONSE_SHARE);
    const endsAtMs = performance.now() + Math.min(MAX_WAIT_MS, leftMs);
    const isOver = () =>
      this.#isStopping || signal?.aborted === true || performance.now() >= endsAtMs;
    try {
      return await whenFree(() => inTransaction(this.#db, () => work(this.#db)), {
        isBusy,
        isOver,
      });
    } catch (error) {
      throw statusOf(error);
    }
  }

  /** From now on, writes fail at once if another process has the lock: the service is about to end. */
  stopWaiting(): void {
    this.#isStopping = true;
  }

  close(): void {
    this.#db.close();
  }
}

/** Makes a file that no other user of the machine can read, unless it is there. SQLite makes its other files alike. */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}

async function openMigrated(file: string, migrations: readonly string[]): Promise<DatabaseSync> {
  const db = new DatabaseSync(file, { timeout: 0, readBigInts: true });
  const endsAtMs = performance.now() + MAX_WAIT_MS;
  const isOver = () => performance.now() >= endsAtMs;
  try {
    await whenFree(() => db.exec('PRAGMA journal_mode = WAL'), { isBusy, isOver });
    db.exec('PRAGMA synchronous = FULL');
    const isCurrent = versionOf(db) === migrations.length;
    // A file that needs no change needs no lock: an instance can start while another process writes.
    const run = () => migrate(db, migrations);
    await whenFree(isCurrent ? run : () => inTransaction(db, run), { isBusy, isOver });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // On a full disk and the like SQLite rolls back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
