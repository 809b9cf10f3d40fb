import type { Bench } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import type { Worker } from '../harness/processes.ts';
import { turnsOf } from '../harness/rounds.ts';
import type { Row } from '../harness/row.ts';
import { type Comparison, compare, comparePooled, median, quantile } from '../harness/stats.ts';
import type { Watching } from '../processes/watchers.ts';

const SERVICE = 'bench-propagate';
const RAW_PREFIX = '/bench-propagate/';
const PROCESSES = 2;
const WATCHERS_EACH = 500;
const QUIET_MS = 300;

/** Who registers, and who waits to see it. */
interface Arm {
  readonly name: string;
  readonly registrar: Worker;
  readonly watchers: readonly Worker[];
  readonly watchersEach: number;
}

/** How long it took until all watchers had seen what, in ms. */
interface Delays {
  readonly registered: number[];
  readonly gone: number[];
}

async function openArm(
  stage: EtcdStage,
  name: string,
  where: Omit<Watching, 'count'>,
  { processes, each }: { processes: number; each: number },
): Promise<Arm> {
  const registrar = stage.start('processes/registrar.ts');
  const watchers = Array.from({ length: processes }, () => stage.start('processes/watchers.ts'));
  await registrar.ask('open', where);
  await Promise.all(watchers.map((watcher) => watcher.ask('open', { ...where, count: each })));
  return { name, registrar, watchers, watchersEach: each };
}

/** From the moment the registrar begins to the moment the last watcher knows. */
async function delayOf({ registrar, watchers, watchersEach }: Arm, command: string, id: string) {
  const what = `${command === 'register' ? '+' : '-'}${id}`;
  const [start, ...seen] = await Promise.all([
    registrar.ask<number>(command, id),
    ...watchers.map((watcher) => watcher.ask<number[]>('seen', { what, count: watchersEach })),
  ]);
  return Math.max(...seen.flat()) - start;
}

/** Registers instances one by one, and takes each back. */
async function measure(arm: Arm, round: number, count: number): Promise<Delays> {
  const delays: Delays = { registered: [], gone: [] };
  for (let index = 0; index < count; index += 1) {
    const id = `i${round + 1}-${index}`;
    delays.registered.push(await delayOf(arm, 'register', id));
    delays.gone.push(await delayOf(arm, 'deregister', id));
    // All watchers of a mesh acknowledge who is gone: not a delay of what comes after.
    if (arm.watchersEach > 1) await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
  return delays;
}

/** What each arm found, round by round. */
type Rounds = ReadonlyMap<string, Delays[]>;

/** How much is measured, and how much goes before it: a registry runs for days, its code compiled. */
interface Amount {
  readonly rounds: number;
  readonly count: number;
  readonly warmUp: number;
}

async function alternateArms(
  arms: readonly Arm[],
  { rounds, count, warmUp }: Amount,
  progress: (text: string) => void,
): Promise<Rounds> {
  const found = new Map<string, Delays[]>(arms.map(({ name }) => [name, []]));
  for (const arm of arms) {
    progress(`warming up ${arm.name}`);
    await measure(arm, -1, warmUp);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of turnsOf(arms, round)) {
      progress(`round ${round + 1} of ${rounds}, ${arm.name}`);
      found.get(arm.name)?.push(await measure(arm, round, count));
    }
  }
  return found;
}

function medians(rounds: Rounds, arm: string, kind: keyof Delays): number[] {
  return (rounds.get(arm) ?? []).map((delays) => median(delays[kind]));
}

function p99(rounds: Rounds, arm: string, baseline: string, kind: keyof Delays): Comparison {
  const of = (name: string) => (rounds.get(name) ?? []).map((delays) => delays[kind]);
  return comparePooled(of(arm), of(baseline), (delays) => quantile(delays, 0.99));
}

function rowsOf(title: string, rounds: Rounds, arm: string, baseline: string): Row[] {
  const row = (metric: string, comparison: Comparison): Row => {
    return { bench: 'propagate', case: title, metric, ...comparison };
  };
  return (['registered', 'gone'] as const).flatMap((kind) => [
    row(`${kind}, p50 ms`, compare(medians(rounds, arm, kind), medians(rounds, baseline, kind))),
    row(`${kind}, p99 ms`, p99(rounds, arm, baseline, kind)),
  ]);
}

/** How long it takes until others know, through registry and SDK and through etcd alone. */
export const propagate: Bench = {
  name: 'propagate',
  about:
    'registered, or deregistered, in one process until seen in others: one, and the last of 1,000',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      reporter.progress('starting');
      const address = await stage
        .startRegistry()
        .ask<string>('start', { etcd: stage.etcd.endpoint });
      const sdk = { kind: 'sdk', address, of: SERVICE } as const;
      const raw = { kind: 'etcd', address: stage.etcd.endpoint, of: RAW_PREFIX } as const;
      const rows: Row[] = [];
      const compareArms = async (
        of: string,
        size: { processes: number; each: number },
        amount: Omit<Amount, 'rounds'>,
      ) => {
        const suffix = size.each === 1 ? '/one' : '/many';
        const arms = [
          await openArm(
            stage,
            'weft',
            { ...sdk, of: `${SERVICE}${suffix.replace('/', '-')}` },
            size,
          ),
          await openArm(stage, 'raw', { ...raw, of: `${RAW_PREFIX}${suffix}/` }, size),
          await openArm(stage, 'again', { ...raw, of: `${RAW_PREFIX}${suffix}-again/` }, size),
        ];
        const quick = effort.isQuick ? { count: 5, warmUp: 3 } : {};
        const whole = { rounds: effort.rounds, ...amount, ...quick };
        const found = await alternateArms(arms, whole, (text) =>
          reporter.progress(`${of}: ${text}`),
        );
        rows.push(
          ...rowsOf(`${of}: raw etcd vs itself (A/A)`, found, 'again', 'raw'),
          ...rowsOf(`${of}: weft vs raw etcd`, found, 'weft', 'raw'),
        );
      };
      await compareArms('one watcher', { processes: 1, each: 1 }, { count: 100, warmUp: 1000 });
      await compareArms(
        'last of 1000',
        { processes: PROCESSES, each: WATCHERS_EACH },
        { count: 4, warmUp: 20 },
      );
      reporter.note(
        'raw: a grant and a put, and a revoke, by etcd3; its watcher of a prefix sees them. weft: Register and Deregister; the discovery of a mesh sees them',
      );
      reporter.note(
        'before it is measured, each arm does it 1,000 times, with 1,000 watchers 20 times',
      );
      reporter.note(
        `1000 watchers: ${PROCESSES} processes of ${WATCHERS_EACH} meshes, or clients of etcd3, each with a connection of its own`,
      );
      return rows;
    }),
};
