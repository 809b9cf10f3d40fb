import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** A log longer than this is moved to `<name>.log.1`, in place of the one there. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * Keeps a log bounded while processes go on appending to it: copies it aside and empties it. Lines
 * written between the two steps are lost.
 */
export function boundLog(file: string, maxBytes = MAX_LOG_BYTES): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= maxBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** Opens a log for appending, its folder made when missing. The caller closes the descriptor. */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  boundLog(file);
  return openSync(file, 'a');
}

/** What a log holds from byte `from`, at most the last `maxBytes` of it, and where it ends now. */
export function readLog(
  file: string,
  from = 0,
  maxBytes = 1024 * 1024,
): { text: string; end: number } {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return { text: '', end: 0 };
  }
  try {
    const { size } = fstatSync(descriptor);
    // A log that became shorter was emptied: all in it is new.
    const start = Math.max(size < from ? 0 : from, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    const length = readSync(descriptor, buffer, 0, buffer.length, start);
    return { text: buffer.toString('utf8', 0, length), end: start + length };
  } finally {
    closeSync(descriptor);
  }
}

/** The last lines of a log from byte `from` on, at most `count`. */
export function lastLines(file: string, count: number, from = 0): string[] {
  const { text } = readLog(file, from);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
}
