import type { Reporter } from './bench.ts';

const PLAIN_EVERY_MS = 10_000;

/** Shows progress in one line of a terminal; elsewhere now and then in a line of its own. */
export function consoleReporter(bench: string): Reporter & {
  readonly notes: readonly string[];
  readonly failures: readonly string[];
  clear(): void;
} {
  const notes: string[] = [];
  const failures: string[] = [];
  const { isTTY } = process.stderr;
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    notes,
    failures,
    note: (text) => notes.push(text),
    fail: (text) => failures.push(text),
    progress(text) {
      if (isTTY) {
        process.stderr.write(`\r\x1b[2K${bench} ${text}`);
        return;
      }
      if (performance.now() - shownAt < PLAIN_EVERY_MS) return;
      shownAt = performance.now();
      process.stderr.write(`${bench} ${text}\n`);
    },
    clear() {
      if (isTTY) process.stderr.write('\r\x1b[2K');
    },
  };
}
