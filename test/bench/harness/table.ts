import { goalOf } from './goals.ts';
import type { Row } from './row.ts';

/** A figure with as many digits as one reads: 3 or so. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'none' : 'inf';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

const heads = ['case', 'metric', 'value', 'baseline', 'ratio', 'min..max', 'goal'];

function cells(row: Row): string[] {
  const goal = goalOf(row);
  return [
    row.case,
    row.metric,
    figure(row.value),
    figure(row.baseline),
    figure(row.ratio),
    `${figure(row.min)}..${figure(row.max)}`,
    goal === undefined ? '' : `${goal.isMet ? 'met' : 'MISSED'} ${goal.text}`,
  ];
}

/** The rows as text, in columns: the first two to the left, figures to the right. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cells)];
  const widths = heads.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] as number;
          return column < 2 || column === 6 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
