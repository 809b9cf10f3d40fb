import type { ArmSpec } from '../arms/caller.ts';
import type { Bench, Effort, Reporter } from '../harness/bench.ts';
import type { Sample } from '../harness/open-loop.ts';
import { latencies, p999 } from '../harness/percentiles.ts';
import type { Worker } from '../harness/processes.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import type { Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import { comparePooled, quantile } from '../harness/stats.ts';
import { STRATEGIES } from '../harness/strategies.ts';
import { figure } from '../harness/table.ts';
import { type Ailment, FAILING, HEALTHY, offerAiling, roundRobinArm, SLOW } from './tail-stage.ts';

const PER_SECOND = 300;
/** Arms that run at once: at this rate they leave most of a machine idle. */
const AT_ONCE = 2;
const BASELINE = 'grpc-js round_robin';
const CONTROL = 'grpc-js round_robin again';
const RETRIED = 'grpc-js round_robin with retries';

/** Samples by arm, round by round. */
type Pool = Map<string, Sample[][]>;

interface Slice {
  readonly warmUpMs: number;
  readonly ms: number;
}

/** Steady state is measured: what has gone stale while others had their turn is learnt again before. */
function tailArm(name: string, client: Worker, { warmUpMs, ms }: Slice, pool: Pool): Arm {
  const hasKeys = name.startsWith('consistent_hash');
  return {
    name,
    async measure(round) {
      const loop = { perSecond: PER_SECOND, seed: 1000 + round, hasKeys };
      const samples = await client.ask<Sample[]>('openLoop', { ...loop, ms: warmUpMs + ms });
      const from = Math.min(...samples.map(({ at }) => at)) + warmUpMs;
      const measured = samples.filter(({ at }) => at >= from);
      pool.set(name, [...(pool.get(name) ?? []), measured]);
      return latencies(measured);
    },
  };
}

/** Every strategy, and grpc-js round_robin, on a service with this ailment. */
function specsOf(ailment: Ailment, addresses: readonly string[]): [name: string, spec: ArmSpec][] {
  const { service } = ailment;
  const weft = STRATEGIES.map((strategy): [string, ArmSpec] => [
    strategy,
    { kind: 'weft-grpc-js', service, strategy },
  ]);
  if (ailment === HEALTHY) {
    return [
      ...weft.filter(([name]) => name === 'p2c_ewma' || name === 'round_robin'),
      [BASELINE, roundRobinArm(addresses)],
    ];
  }
  return [
    ...weft,
    [BASELINE, roundRobinArm(addresses)],
    ailment === SLOW
      ? [CONTROL, roundRobinArm(addresses)]
      : [RETRIED, roundRobinArm(addresses, true)],
  ];
}

const titles = new Map([
  [HEALTHY, 'all healthy'],
  [SLOW, 'one slow'],
  [FAILING, 'one failing 50%'],
]);

async function openArms(stage: Stage, effort: Effort, reporter: Reporter, pool: Pool) {
  const arms: Arm[] = [];
  for (const [ailment, addresses] of await offerAiling(stage)) {
    const warmUpMs = ailment === SLOW ? 700 : 100;
    const ms = effort.isQuick ? 500 : ailment === FAILING ? 700 : 1200;
    for (const [name, spec] of specsOf(ailment, addresses)) {
      const title = `${name}, ${titles.get(ailment)}`;
      reporter.progress(`starting ${title}`);
      try {
        const client = await stage.client(spec);
        await client.ask('openLoop', { perSecond: PER_SECOND, ms: 300, seed: 1 });
        arms.push(tailArm(title, client, { warmUpMs, ms }, pool));
      } catch (error) {
        const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
        reporter.fail(`${title}: ${line}`);
      }
    }
  }
  return arms;
}

/** How the ten instances' slowest and failing one shows in what callers wait for. */
export const tail: Bench = {
  name: 'tail',
  about: '10 instances at 20 ms, one of them at 500 ms or failing 50%; 300 calls/s, open loop',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const pool: Pool = new Map();
      const arms = await openArms(stage, effort, reporter, pool);
      const table = await alternate('tail', arms, effort, reporter, AT_ONCE);
      const names = new Set(arms.map(({ name }) => name));
      const rows: Row[] = [];
      const compareTo = (arm: string, baseline: string, mark = '') => {
        if (!names.has(arm) || !names.has(baseline)) return;
        const title = `${arm} vs ${baseline}${mark}`;
        const pooled = comparePooled(pool.get(arm) ?? [], pool.get(baseline) ?? [], p999);
        rows.push(...table.rows('tail', title, arm, baseline));
        rows.push({ bench: 'tail', case: title, metric: 'p99.9 ms', ...pooled });
      };
      compareTo(`${CONTROL}, one slow`, `${BASELINE}, one slow`, ' (A/A)');
      compareTo(`round_robin, all healthy`, `${BASELINE}, all healthy`);
      compareTo(`p2c_ewma, all healthy`, `${BASELINE}, all healthy`);
      compareTo(`p2c_ewma, one slow`, `p2c_ewma, all healthy`);
      for (const title of ['one slow', 'one failing 50%']) {
        for (const strategy of STRATEGIES) {
          compareTo(`${strategy}, ${title}`, `${BASELINE}, ${title}`);
        }
      }
      compareTo(`${RETRIED}, one failing 50%`, `${BASELINE}, one failing 50%`);
      reporter.note('latency counts from when a call was to be sent, failed calls too');
      reporter.note('p99.9 is over all rounds together; its min..max with any one round left out');
      const late = [...pool.values()].flat(2).map(({ lateMs }) => lateMs);
      reporter.note(`calls were sent late by ${figure(quantile(late, 0.99))} ms at p99`);
      return rows;
    }),
};
