import { setTimeout as sleep } from 'node:timers/promises';

type Output = Pick<NodeJS.WriteStream, 'write' | 'writableLength'>;

/** How much may wait for a terminal or a pipe, in bytes: some thousand lines. */
const MAX_WAITING_BYTES = 128 * 1024;
const POLL_MS = 20;

/** Lines lost since the last one that was written, by stream; a stream that is not in it loses none. */
const lostLines = new Map<Output, number>();

/**
 * From now on, `stream` loses lines instead of waiting while nobody reads them: a terminal held by Ctrl-S, or a
 * pipe whose reader is stuck. For programs that must go on meanwhile, such as `weft up`.
 */
export function loseUnreadLines(stream: Output): void {
  if (lostLines.has(stream)) return;
  lostLines.set(stream, 0);
  // Node writes to terminals synchronously, and offers no other way to change that:
  // https://github.com/nodejs/node/pull/1771#issuecomment-119351671
  const { _handle } = stream as { _handle?: { setBlocking?: (isBlocking: boolean) => void } };
  _handle?.setBlocking?.(false);
}

/** Writes one line. */
export function writeLine(stream: Output, line: string): void {
  const lost = lostLines.get(stream);
  if (lost !== undefined && stream.writableLength > MAX_WAITING_BYTES) {
    lostLines.set(stream, lost + 1);
    return;
  }
  if (lost !== undefined && lost > 0) {
    stream.write(`weft: ${lost} lines were not printed, as nothing read them\n`);
    lostLines.set(stream, 0);
  }
  stream.write(`${line}\n`);
}

/**
 * Waits until the streams that lose lines have written the rest, for at most `timeoutMs`.
 * @returns whether all is written
 */
export async function areLinesWritten(timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  const isWaiting = () => [...lostLines.keys()].some(({ writableLength }) => writableLength > 0);
  while (isWaiting() && performance.now() < end) await sleep(POLL_MS);
  return !isWaiting();
}
