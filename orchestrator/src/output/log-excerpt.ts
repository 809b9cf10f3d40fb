import { lastLines } from '../process/log-file.ts';

/** Long enough for what Node prints of one uncaught error, from the error itself to the end. */
const LINES = 30;
const MAX_LINE_LENGTH = 200;
/** Of a stack trace, how many calls are shown: the first tell where it is. */
const MAX_CALLS = 3;
/** Errors travel percent-encoded in a status, which is cut at 2 KB. */
const MAX_ENCODED_BYTES = 1500;

/** A text of at most `maxLength` characters: what is over stands as `...`. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}

/** The lines without what is deep down in stack traces. */
function withoutDepth(lines: readonly string[]): string[] {
  let calls = 0;
  return lines.filter((line) => {
    calls = /^\s+at /.test(line) ? calls + 1 : 0;
    return calls <= MAX_CALLS;
  });
}

/**
 * The end of a log as lines to show within a message.
 * @param from Byte to begin at: what stands before is of an earlier process.
 * @returns '' if nothing was written since
 */
export function logExcerpt(file: string, from = 0): string {
  const lines = withoutDepth(lastLines(file, LINES, from)).map(
    (line) => `  ${cut(line, MAX_LINE_LENGTH)}`,
  );
  while (encodeURI(lines.join('\n').toWellFormed()).length > MAX_ENCODED_BYTES) lines.shift();
  return lines.join('\n');
}
