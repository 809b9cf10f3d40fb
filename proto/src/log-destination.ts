import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { messageOf } from './message-of.ts';

/** Lines that wait for a slow reader, in bytes at most. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Between two tries to write to a reader that is slow, in ms. */
const RETRY_MS = 20;
/** How long the last lines may take when the process ends, in ms. */
const LAST_LINES_MS = 100;

export interface LogDestinationOptions {
  /** Writes bytes, and returns how many were written. EAGAIN means: no more just now. */
  write: (bytes: Uint8Array) => number;
  /** Default 1 MiB. */
  maxWaitingBytes?: number;
}

function isAgain(error: unknown): boolean {
  return (Object(error) as { code?: unknown }).code === 'EAGAIN';
}

/**
 * The destination of a log. A destination never blocks and never ends its process. If a line cannot be written (full
 * disk, no reader), the line is lost. Lines wait for a slow reader, up to a limit. Before the next line that can be
 * written, the destination writes how many lines were lost and why.
 */
export class LogDestination {
  readonly #write: LogDestinationOptions['write'];
  readonly #maxWaitingBytes: number;
  /** Lines to write. The first may be the rest of a line. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isInLine = false;
  /** Whether the last line was lost after a part of it was written. */
  #isCut = false;
  #lost = 0;
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  constructor({ write, maxWaitingBytes = MAX_WAITING_BYTES }: LogDestinationOptions) {
    this.#write = write;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /** Writes a line, its newline included. Never throws and never waits. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#maxWaitingBytes) {
      this.#lose('the reader is too slow');
    } else {
      this.#add(bytes);
      if (this.#timer === undefined) this.#flush();
    }
  }

  /** Writes the lines that wait, for 100 ms at most. Call this before the process ends. */
  end(): void {
    const endsAt = performance.now() + LAST_LINES_MS;
    while (this.#waiting.length > 0 && performance.now() < endsAt) {
      this.#flush();
      if (this.#waiting.length > 0) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS / 4);
      }
    }
    clearTimeout(this.#timer);
  }

  /** This destination as a stream, for libraries that format lines, such as pino-pretty. */
  toStream(): Writable {
    return new Writable({
      write: (text, _encoding, done) => {
        this.write(String(text));
        done();
      },
    });
  }

  #add(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        this.#tellLost();
        const written = this.#write(next);
        this.#taken(next, written);
      } catch (error) {
        if (isAgain(error)) {
          this.#timer = setTimeout(() => this.#flush(), RETRY_MS).unref();
          return;
        }
        this.#isCut ||= this.#isInLine;
        this.#taken(next, next.length);
        this.#lose(messageOf(error));
      }
    }
  }

  /** Removes the first `bytes` bytes of the first waiting line. */
  #taken(first: Buffer, bytes: number): void {
    this.#waitingBytes -= bytes;
    this.#isInLine = bytes < first.length;
    if (this.#isInLine) this.#waiting[0] = first.subarray(bytes);
    else this.#waiting.shift();
  }

  #lose(reason: string): void {
    this.#lost += 1;
    this.#reason = reason;
  }

  #tellLost(): void {
    if (this.#lost === 0 || this.#isInLine) return;
    const end = this.#isCut ? '\n' : '';
    this.#write(Buffer.from(`${end}weft: ${this.#lost} log lines were lost: ${this.#reason}\n`));
    this.#lost = 0;
    this.#isCut = false;
  }
}

/**
 * Opens a pipe or a terminal once more, so that a write never blocks.
 * @returns the new descriptor; `descriptor` itself for a file, and where the system cannot do this (only Linux can)
 */
function withoutBlocking(descriptor: number): number {
  try {
    if (!fstatSync(descriptor).isFIFO() && !isatty(descriptor)) return descriptor;
    const flags =
      constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${descriptor}`, flags);
  } catch {
    return descriptor;
  }
}

const opened = new Set<LogDestination>();

function endAll(): void {
  for (const destination of opened) destination.end();
}

/**
 * Opens a log destination for the rest of the process.
 * @param descriptor such as 1 for standard output
 */
export function openLogDestination(descriptor: number): LogDestination {
  const own = withoutBlocking(descriptor);
  const destination = new LogDestination({ write: (bytes) => writeSync(own, bytes) });
  if (opened.size === 0) process.once('exit', endAll);
  opened.add(destination);
  return destination;
}
