import { statSync } from 'node:fs';
import { previousLog, readBytes } from './log-file.ts';

const NEWLINE = 10;

/** The last of the lines in `bytes`, at most `count`. */
function lastOf(bytes: Buffer, count: number): string[] {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
}

/** Follows one log: each whole line once, also when the log is moved aside and emptied meanwhile. */
export class LogTail {
  readonly #file: string;
  /** Byte where the first line begins that `read` has not returned yet. */
  #place: number;

  /** Follows what is written from now on; the log need not be there yet. */
  static fromEnd(file: string): LogTail {
    return new LogTail(file, sizeOf(file));
  }

  /** Follows all that the log holds, and what is written from now on. */
  static fromStart(file: string): LogTail {
    return new LogTail(file, 0);
  }

  private constructor(file: string, place: number) {
    this.#file = file;
    this.#place = place;
  }

  /** The last lines before those that `read` will return, at most `count`, those moved aside included. */
  recent(count: number): string[] {
    const { bytes, start } = readBytes(this.#file);
    const lines = lastOf(bytes.subarray(0, Math.max(0, this.#place - start)), count);
    const missing = count - lines.length;
    if (missing === 0) return lines;
    return [...lastOf(readBytes(previousLog(this.#file)).bytes, missing), ...lines];
  }

  /** The lines that have been added since. */
  read(): string[] {
    const before: string[] = [];
    if (sizeOf(this.#file) < this.#place) {
      before.push(...this.#linesOf(previousLog(this.#file)));
      this.#place = 0;
    }
    return [...before, ...this.#linesOf(this.#file)];
  }

  #linesOf(file: string): string[] {
    const { bytes, start } = readBytes(file, this.#place);
    const length = bytes.lastIndexOf(NEWLINE) + 1;
    if (length === 0) return [];
    this.#place = start + length;
    return bytes.toString('utf8', 0, length - 1).split('\n');
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
