import { aborted, resourceExhausted } from '@weft/proto';

/** Result codes of SQLite: https://www.sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/** SQLite's result code, without what an extended code adds; undefined if the error is not of SQLite. */
function codeOf(error: unknown): number | undefined {
  const { errcode } = Object(error) as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

/** Whether another process, or another connection, has the lock. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE_BUSY;
}

/** The gRPC status of an error of SQLite that a caller can do something about; any other error as it is. */
export function statusOf(error: unknown): unknown {
  switch (codeOf(error)) {
    case SQLITE_BUSY:
      return aborted(
        'the database is locked by another process, and nothing was written; try again',
        { reason: 'DATABASE_BUSY' },
      );
    case SQLITE_FULL:
      return resourceExhausted(
        'the disk of the database is full, and nothing was written; free space and try again',
        { reason: 'DATABASE_FULL' },
      );
    default:
      return error;
  }
}
