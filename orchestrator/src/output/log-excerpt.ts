import { lastLines } from '../process/log-file.ts';

/** Long enough for what Node prints of one uncaught error, from the error itself to the end. */
const LINES = 30;
const MAX_LINE_LENGTH = 500;
/** Errors travel in HTTP/2 trailers, which hold 64 KiB, encoded twice and at up to three times the size. */
const MAX_BYTES = 12_000;

/** A text of at most `maxLength` characters: what is over stands as `...`. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}

/** The end of a log as lines to show within a message; empty for an empty log. */
export function logExcerpt(file: string): string {
  const lines = lastLines(file, LINES).map((line) => `  ${cut(line, MAX_LINE_LENGTH)}`);
  while (Buffer.byteLength(lines.join('\n')) > MAX_BYTES) lines.shift();
  return lines.join('\n');
}
