import type { Bench } from '../harness/bench.ts';
import { MICRO } from '../harness/micro-arms.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import type { Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import { STRATEGIES } from '../harness/strategies.ts';

const COUNTS = [1, 10, 100, 1000, 10_000];
const METRIC = 'ns/pick';

const firstLine = (text: string) => text.split('\n')[0];

/** What a strategy's choice costs as the number of instances grows: against its cost at 10. */
export const pick: Bench = {
  name: 'pick',
  about: 'cost of a choice by each strategy among 1 to 10,000 instances, 32 calls in flight',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const budgetMs = effort.isQuick ? 20 : 40;
      const rows: Row[] = [];
      for (const strategy of STRATEGIES) {
        const worker = stage.start(MICRO);
        const again = stage.start(MICRO);
        const armOf = (name: string, from: typeof worker, count: number): Arm => ({
          name,
          measure: async () => ({
            [METRIC]: await from.ask('pick', { strategy, count, budgetMs }),
          }),
        });
        const arms = [
          ...COUNTS.map((count) => armOf(String(count), worker, count)),
          armOf('again', again, 10),
        ];
        try {
          const table = await alternate(strategy, arms, effort, reporter);
          const control = `${strategy} at 10 vs itself (A/A)`;
          rows.push(...table.rows('pick', control, 'again', '10'));
          for (const count of COUNTS) {
            const name = `${strategy} at ${count} vs ${strategy} at 10`;
            rows.push(...table.rows('pick', name, String(count), '10'));
          }
        } catch (error) {
          reporter.fail(
            `${strategy}: ${error instanceof Error ? firstLine(error.message) : error}`,
          );
        }
        await Promise.all([worker.end(), again.end()]);
      }
      reporter.note('with what the strategy is told at the start and the end of each call');
      return rows;
    }),
};
