import type { Effort, Reporter } from './bench.ts';
import { FigureTable } from './row.ts';

/** One side of a comparison: measures once each time it is its turn. */
export interface Arm {
  readonly name: string;
  measure(round: number): Promise<Readonly<Record<string, number>>>;
}

/** The arms of one round: in turn, the other way round in every second one. */
export function turnsOf<T>(arms: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? arms : arms.toReversed();
}

/** Runs every arm once per round, A B A B ..., `atOnce` at a time, and collects what they measured. */
export async function alternate(
  what: string,
  arms: readonly Arm[],
  { rounds }: Pick<Effort, 'rounds'>,
  reporter: Reporter,
  atOnce = 1,
): Promise<FigureTable> {
  const table = new FigureTable();
  for (let round = 0; round < rounds; round += 1) {
    const turns = turnsOf(arms, round);
    for (let first = 0; first < turns.length; first += atOnce) {
      const now = turns.slice(first, first + atOnce);
      const names = now.map(({ name }) => name).join(' beside ');
      reporter.progress(`${what}: round ${round + 1} of ${rounds}, ${names}`);
      const figures = await Promise.all(now.map((arm) => arm.measure(round)));
      for (const [index, { name }] of now.entries()) table.add(name, figures[index] ?? {});
    }
  }
  return table;
}
