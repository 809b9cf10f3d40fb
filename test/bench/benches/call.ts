import { type ArmSpec, DEADLINE_MS } from '../arms/caller.ts';
import type { Bench } from '../harness/bench.ts';
import type { Worker } from '../harness/processes.ts';
import { reportProfiles } from '../harness/profile-report.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import type { Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import type { ClosedLoopResult } from '../processes/client.ts';
import { ONE, offerMoleculer, offerServices, THREE } from './call-stage.ts';

const CONCURRENCIES = [1, 32, 256];
const SLICE_MS = 200;
/** Turns of each arm for each round of the run. */
const TURNS = 3;

type Arms = Readonly<Record<string, ArmSpec>>;

function armsOf(one: string, three: readonly string[], nodes: readonly string[]): Arms {
  const deadlineMs = DEADLINE_MS;
  const bare: ArmSpec = { kind: 'bare-grpc-js', addresses: [one], deadlineMs };
  return {
    'weft+grpc-js': { kind: 'weft-grpc-js', service: ONE },
    'bare grpc-js': bare,
    'bare grpc-js again': bare,
    'bare grpc-js without deadline': { kind: 'bare-grpc-js', addresses: [one] },
    'weft+nice-grpc': { kind: 'weft-nice-grpc', service: ONE },
    'bare nice-grpc': { kind: 'bare-nice-grpc', addresses: [one] },
    'weft+grpc-js x3': { kind: 'weft-grpc-js', service: THREE },
    'grpc-js round_robin x3': { kind: 'bare-grpc-js', addresses: three, deadlineMs },
    'moleculer x3': { kind: 'moleculer', addresses: nodes },
  };
}

/** The cases: their name, and the two arms. */
const CASES = [
  ['bare grpc-js vs itself', 'bare grpc-js again', 'bare grpc-js', '(A/A)'],
  ['weft+grpc-js vs bare grpc-js', 'weft+grpc-js', 'bare grpc-js', ''],
  ['weft+nice-grpc vs bare nice-grpc', 'weft+nice-grpc', 'bare nice-grpc', ''],
  ['weft+grpc-js vs grpc-js round_robin', 'weft+grpc-js x3', 'grpc-js round_robin x3', ''],
  ['weft+grpc-js vs moleculer', 'weft+grpc-js x3', 'moleculer x3', ''],
  [
    'weft+grpc-js vs bare grpc-js without deadline',
    'weft+grpc-js',
    'bare grpc-js without deadline',
    '',
  ],
] as const;

function armOf(name: string, client: Worker, concurrency: number, ms: number): Arm {
  return {
    name: `${name} c${concurrency}`,
    async measure() {
      const slice = await client.ask<ClosedLoopResult>('closedLoop', { concurrency, ms });
      const { calls, failed, elapsedMs, cpuUs } = slice;
      return {
        'calls/s': ((calls - failed) * 1000) / elapsedMs,
        'client CPU us/call': cpuUs / Math.max(1, calls - failed),
        'failed calls': failed,
      };
    },
  };
}

function rowsOf(table: Awaited<ReturnType<typeof alternate>>, concurrency: number): Row[] {
  return CASES.flatMap(([name, arm, baseline, mark]) => {
    const c = `c${concurrency}`;
    const title = [name, c, mark].filter(Boolean).join(' ');
    return table
      .rows('call', title, `${arm} ${c}`, `${baseline} ${c}`)
      .filter(
        ({ metric, value, baseline: other }) => metric !== 'failed calls' || value + other > 0,
      );
  });
}

/** Unary calls through the SDK, everything on, against what one would use without it. */
export const call: Bench = {
  name: 'call',
  about: 'unary calls: throughput and client CPU, closed loop',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      reporter.progress('starting servers and clients');
      const { one, three } = await offerServices(stage);
      const nodes = await offerMoleculer(stage);
      const clients = new Map<string, Worker>();
      for (const [name, spec] of Object.entries(armsOf(one, three, nodes))) {
        clients.set(name, await stage.client(spec));
      }
      for (const [name, client] of clients) {
        reporter.progress(`warming up ${name}`);
        const ms = effort.isQuick ? 300 : 800;
        await client.ask('closedLoop', { concurrency: 32, ms });
      }
      const rows: Row[] = [];
      // The machine's speed wavers within a second: many short turns are closer to each other.
      const rounds = effort.isQuick ? effort.rounds : effort.rounds * TURNS;
      for (const concurrency of CONCURRENCIES) {
        const arms = [...clients].map(([name, client]) =>
          armOf(name, client, concurrency, SLICE_MS),
        );
        rows.push(...rowsOf(await alternate('call', arms, { rounds }, reporter), concurrency));
      }
      reporter.note(
        'every arm but "without deadline" and bare nice-grpc gives calls a 2 s deadline',
      );
      reporter.note(
        'c: calls at once; each arm is a process of its own; all grpc arms share servers',
      );
      await reportProfiles(
        ['weft+grpc-js', 'bare grpc-js', 'weft+nice-grpc', 'bare nice-grpc', 'moleculer x3'],
        clients,
        effort,
        reporter,
      );
      return rows;
    }),
};
