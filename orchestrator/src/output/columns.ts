import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

export interface ColumnsOptions {
  readonly isColored: boolean;
}

const GAP = '  ';

/** Rows as aligned columns under their titles, without borders: for programs that read lines, too. */
export function columns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { isColored }: ColumnsOptions,
): string {
  const { bold } = pc.createColors(isColored);
  const all = [titles.map((title) => bold(title.toUpperCase())), ...rows];
  const visible = (cell = '') => stripVTControlCharacters(cell).length;
  const widths = titles.map((_, column) =>
    all.reduce((most, row) => Math.max(most, visible(row[column])), 0),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visible(cell)))
      .join(GAP)
      .trimEnd();
  return all.map(line).join('\n');
}
