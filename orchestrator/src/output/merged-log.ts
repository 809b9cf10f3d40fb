import { type LogLine, readLine } from './log-line.ts';

/** A line and the slot that wrote it. */
export interface MergedLine extends LogLine {
  readonly slot: string;
}

/** The lines of one slot, each at a time: one that does not say goes with the one before it. */
function timed(slot: string, raws: readonly string[]): { line: MergedLine; timeMs: number }[] {
  const lines = raws.map((raw) => ({ slot, ...readLine(raw) }));
  let timeMs = lines.find((line) => line.timeMs !== undefined)?.timeMs ?? 0;
  return lines.map((line) => {
    // A clock that was set back must not tear a log apart.
    timeMs = Math.max(timeMs, line.timeMs ?? 0);
    return { line, timeMs };
  });
}

/** Merges what several slots wrote by time; lines of one slot stay in their order. */
export function mergedLines(logs: ReadonlyMap<string, readonly string[]>): MergedLine[] {
  return [...logs]
    .flatMap(([slot, raws]) => timed(slot, raws))
    .sort((a, b) => a.timeMs - b.timeMs)
    .map(({ line }) => line);
}
