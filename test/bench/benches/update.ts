import type { Bench } from '../harness/bench.ts';
import { MICRO } from '../harness/micro-arms.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import { Stage } from '../harness/stage.ts';

const COUNTS = [10, 100, 1000, 10_000];

/** What it costs that one instance joins, and leaves, as the number of the others grows. */
export const update: Bench = {
  name: 'update',
  about: 'one instance joins among many, then leaves: cost to the load-balancing policy',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const arm = (name: string, policy: string): ((count: number) => Arm) => {
        const worker = stage.start(MICRO);
        const budgetMs = effort.isQuick ? 30 : 120;
        return (count) => ({
          name: `${name} ${count}`,
          async measure() {
            const question = { policy, count, budgetMs };
            const { joins, leaves } = await worker.ask<Record<string, number>>('update', question);
            return { 'us, joins': joins ?? Number.NaN, 'us, leaves': leaves ?? Number.NaN };
          },
        });
      };
      const kinds = [
        arm('weft', 'weft'),
        arm('round_robin', 'round_robin'),
        arm('again', 'round_robin'),
      ];
      const arms = COUNTS.flatMap((count) => kinds.map((kind) => kind(count)));
      const table = await alternate('update', arms, effort, reporter);
      reporter.note(
        'no sockets: both policies drive the same fake channel; the next pick included',
      );
      return COUNTS.flatMap((count) => [
        ...table.rows(
          'update',
          `grpc-js round_robin vs itself, among ${count} (A/A)`,
          `again ${count}`,
          `round_robin ${count}`,
        ),
        ...table.rows(
          'update',
          `weft vs grpc-js round_robin, among ${count}`,
          `weft ${count}`,
          `round_robin ${count}`,
        ),
      ]);
    }),
};
