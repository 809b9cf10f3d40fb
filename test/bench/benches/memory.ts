import type { Bench } from '../harness/bench.ts';
import { MICRO } from '../harness/micro-arms.ts';
import { FigureTable } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';

const COUNT = 10_000;

interface Churned {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

/** What is left behind by instances that came and went. */
export const memory: Bench = {
  name: 'memory',
  about: `${COUNT} instances join, are connected to and called, and leave: what stays`,
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const worker = stage.start(MICRO, ['--expose-gc']);
      const table = new FigureTable();
      const measure = async (name: string, count: number, round: number) => {
        const found = await worker.ask<Churned>('memory', { count, round });
        table.add(`${name} before`, found.before);
        table.add(`${name} after`, found.after);
      };
      const count = effort.isQuick ? 1000 : COUNT;
      // Once for compiled code; then one process through all rounds: what stays of each adds up.
      await worker.ask<Churned>('memory', { count, round: 1000 });
      for (let round = 0; round < effort.rounds; round += 1) {
        reporter.progress(`round ${round + 1} of ${effort.rounds}`);
        await measure('churn', count, round);
        await measure('idle', 0, round);
      }
      return [
        ...table.rows(
          'memory',
          'without churn, after vs before (A/A)',
          'idle after',
          'idle before',
        ),
        ...table.rows('memory', 'weft after churn vs before it', 'churn after', 'churn before'),
      ];
    }),
};
