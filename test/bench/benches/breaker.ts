import type { Bench } from '../harness/bench.ts';
import { microArm } from '../harness/micro-arms.ts';
import { alternate } from '../harness/rounds.ts';
import { Stage } from '../harness/stage.ts';

/** What opossum costs a call, as it is used here. */
export const breaker: Bench = {
  name: 'breaker',
  about: "cost of an instance's breaker per call that succeeds, against none",
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const calls = effort.isQuick ? 64_000 : 320_000;
      const arms = [
        microArm(stage, 'breaker', 'us/call', 'breaker', calls),
        microArm(stage, 'breaker again', 'us/call', 'breaker', calls),
        microArm(stage, 'none', 'us/call', 'nothing', calls),
      ];
      const table = await alternate('breaker', arms, effort, reporter);
      const rows = table.rows('breaker', 'opossum vs none', 'breaker', 'none');
      for (const { value, baseline } of rows) {
        reporter.note(`the breaker itself: ${(value - baseline).toFixed(2)} us per call`);
      }
      return [
        ...table.rows('breaker', 'opossum vs itself (A/A)', 'breaker again', 'breaker'),
        ...rows,
      ];
    }),
};
