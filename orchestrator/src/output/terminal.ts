import { loseUnreadLines, writeLine } from './line-writer.ts';

/** Whether to colour what we print: on a terminal, and where NO_COLOR is not set. */
export const isColored =
  process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** Prints a result on standard output. */
export function print(text: string): void {
  writeLine(process.stdout, text);
}

/** Prints what goes on, on standard error: a result on standard output stays clean. */
export function printNews(text: string): void {
  writeLine(process.stderr, `weft: ${text}`);
}

/** From now on, lines that nobody reads are lost: what supervises processes must not wait for a terminal. */
export function neverWaitForReaders(): void {
  loseUnreadLines(process.stdout);
  loseUnreadLines(process.stderr);
}

/** Prints one JSON document on standard output. */
export function printJson(value: unknown): void {
  print(jsonText(value));
}

/** JSON as we print it; whole numbers too large for JSON become text, as protobuf has them. */
export function jsonText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item),
    2,
  );
}

/** Prints one JSON document on a line of its own, as streams of them do. */
export function printJsonLine(value: unknown): void {
  print(JSON.stringify(value));
}

/** Aborts when nobody reads standard output any more, as after `weft watch | head`. */
export function whileRead(): AbortSignal {
  const closer = new AbortController();
  process.stdout.once('error', () => closer.abort());
  return closer.signal;
}
