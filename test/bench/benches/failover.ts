import type { ArmSpec } from '../arms/caller.ts';
import type { Bench } from '../harness/bench.ts';
import { turnsOf } from '../harness/rounds.ts';
import { FigureTable, type Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import { type Fault, rollingRestart, sigkill, sigstop, silentPeer } from './failover-faults.ts';
import { FailoverStage, SERVICE } from './failover-stage.ts';

const BASELINE = 'grpc-js round_robin';
const AGAIN = 'grpc-js round_robin again';
const KEEPALIVE = 'grpc-js round_robin, 1 s keepalive';
const WEFT = 'weft';

function armsOf(addresses: readonly string[]): Record<string, ArmSpec> {
  const roundRobin: ArmSpec = { kind: 'bare-grpc-js', addresses, deadlineMs: 2000 };
  const keepalive = { 'grpc.keepalive_time_ms': 1000, 'grpc.keepalive_timeout_ms': 1000 };
  return {
    [WEFT]: { kind: 'weft-grpc-js', service: SERVICE },
    [BASELINE]: roundRobin,
    [AGAIN]: roundRobin,
    [KEEPALIVE]: { ...roundRobin, channelOptions: keepalive },
  };
}

interface Course {
  readonly name: string;
  readonly fault: Fault;
  /** Arms, those that call at the same time together. */
  readonly groups: readonly (readonly string[])[];
  /** Rounds for each round of the run. */
  readonly share: number;
  /** One bad round of ten matters: failures are summed up. */
  readonly isSummed?: boolean;
}

/** Stalls of some ms are seen only when nobody else calls; the counts of SIGSTOP bear company. */
const COURSES: readonly Course[] = [
  { name: 'SIGKILL', fault: sigkill, groups: [[WEFT], [BASELINE]], share: 10 / 7, isSummed: true },
  { name: 'SIGSTOP', fault: sigstop(3000), groups: [[WEFT, BASELINE, KEEPALIVE]], share: 1 },
  {
    name: 'rolling restart',
    fault: rollingRestart,
    groups: [[WEFT], [BASELINE]],
    share: 1,
    isSummed: true,
  },
  { name: 'silent peer', fault: silentPeer, groups: [[WEFT], [BASELINE], [AGAIN]], share: 1 },
];

function rowsOf({ name, isSummed }: Course, table: FigureTable, arm: string): Row[] {
  const sum = (of: string, metric: string) =>
    (table.of(of).get(metric) ?? []).reduce((total, figure) => total + figure, 0);
  const mark = arm === AGAIN ? ' (A/A)' : '';
  return table
    .rows('failover', `${name}: ${arm} vs ${BASELINE}${mark}`, arm, BASELINE)
    .map((row) => {
      if (!isSummed || !row.metric.startsWith('failed')) return row;
      const [value, baseline] = [sum(arm, row.metric), sum(BASELINE, row.metric)];
      return { ...row, metric: `${row.metric}, all rounds`, value, baseline };
    });
}

/** What callers notice when instances die, freeze, restart or say nothing. */
export const failover: Bench = {
  name: 'failover',
  about: '3 instances in processes of their own, 300 calls/s each arm, a third not idempotent',
  run: (effort, reporter) =>
    Stage.use(async (under) => {
      const stage = new FailoverStage(under);
      reporter.progress('starting servers and clients');
      await stage.open(armsOf);
      const rows: Row[] = [];
      for (const course of COURSES) {
        const { name, fault, groups, share } = course;
        const table = new FigureTable();
        const rounds = effort.isQuick ? effort.rounds : Math.ceil(effort.rounds * share);
        for (let round = 0; round < rounds; round += 1) {
          reporter.progress(`${name}: round ${round + 1} of ${rounds}`);
          for (const arms of turnsOf(groups, round)) {
            for (const [arm, figures] of await fault(stage, arms, round)) table.add(arm, figures);
          }
        }
        const others = groups.flat().filter((arm) => arm !== BASELINE);
        rows.push(...others.toReversed().flatMap((arm) => rowsOf(course, table, arm)));
      }
      reporter.note('SIGSTOP: all arms meet the same in the same moment; else they take turns');
      reporter.note('grpc-js round_robin has a static list and 10 s + 5 s keepalive, unless said');
      reporter.note('worst stall: the longest any call took, 100 ms before the fault to 1 s after');
      return rows;
    }),
};
