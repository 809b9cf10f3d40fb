import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder } from '../private-files.ts';

/** A log longer than this is moved to `<name>.log.1`, in place of the one there. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Where `boundLog` moves the contents of a log. */
export function previousLog(file: string): string {
  return `${file}.1`;
}

/**
 * Keeps a log bounded while processes go on appending to it: copies it aside and empties it. Lines
 * written between the two steps are lost. On a full disk, the log is emptied before its last part is written aside.
 */
export function boundLog(file: string, maxBytes = MAX_LOG_BYTES): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= maxBytes) return;
  try {
    copyFileSync(file, previousLog(file));
    truncateSync(file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOSPC', 'EDQUOT'].includes(code)) throw error;
    moveThroughMemory(file, maxBytes);
  }
}

function moveThroughMemory(file: string, maxBytes: number): void {
  const { bytes } = readBytes(file, 0, maxBytes);
  // What there is of the copy takes the room that it needs.
  rmSync(previousLog(file), { force: true });
  truncateSync(file);
  try {
    writeFileSync(previousLog(file), bytes, { mode: 0o600 });
  } catch {
    // Others took the room meanwhile. To lose old lines is better than to lose new ones.
  }
}

/** Opens a log for appending, its folder made when missing. The caller closes the descriptor. */
export function openLog(file: string): number {
  makePrivateFolder(dirname(file));
  try {
    boundLog(file);
  } catch {
    // A log that is too long is no reason not to start a program.
  }
  return openSync(file, 'a', 0o600);
}

/**
 * What a log holds from byte `from`, at most the last `maxBytes` of it, and at which byte that starts. A log that is
 * shorter than `from` was emptied: all of it is returned. A log that is missing is empty.
 */
export function readBytes(
  file: string,
  from = 0,
  maxBytes = 1024 * 1024,
): { bytes: Buffer; start: number } {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return { bytes: Buffer.alloc(0), start: 0 };
  }
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(size < from ? 0 : from, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    const length = readSync(descriptor, buffer, 0, buffer.length, start);
    return { bytes: buffer.subarray(0, length), start };
  } finally {
    closeSync(descriptor);
  }
}

/** What `readBytes` returns as text, and where the log ends now. */
export function readLog(
  file: string,
  from?: number,
  maxBytes?: number,
): { text: string; end: number } {
  const { bytes, start } = readBytes(file, from, maxBytes);
  return { text: bytes.toString('utf8'), end: start + bytes.length };
}

/** The last lines of a log from byte `from` on, at most `count`. */
export function lastLines(file: string, count: number, from = 0): string[] {
  const { text } = readLog(file, from);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
}
