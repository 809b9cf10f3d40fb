import { join } from 'node:path';
import { pause } from '@weft/proto';
import { seededRandom } from '../support/seeded-random.ts';
import { Cluster } from './cluster/cluster.ts';
import { faultScript } from './faults/fault-script.ts';
import { Injector } from './faults/injector.ts';
import { Fleet } from './fleet.ts';
import type { History } from './history.ts';
import { Oracle } from './parties/oracle.ts';
import { Recorder } from './recorder.ts';
import { watchForStalls } from './stall-watch.ts';
import type { Finding } from './verify/finding.ts';
import { verifyHistory } from './verify/verify.ts';

export interface SoakOptions {
  /** Fixes who does what and which faults come when; processes and the network keep their own time. */
  readonly seed: number;
  /** How long it is unquiet, in ms; the end takes some seconds more. */
  readonly durationMs: number;
  /** Time between faults, on average, in ms; 0 for none. Default 3000. */
  readonly faultEveryMs?: number;
  /** Program and flags of each replica. Default: three of the registry. */
  readonly commands?: readonly (readonly string[])[];
  /** Default 16. */
  readonly registrars?: number;
  /** Default 8. */
  readonly watchers?: number;
  /** Default 2. */
  readonly sdkServices?: number;
  /** Whether instances are drained while clients call them. Default true. */
  readonly hasDrains?: boolean;
  /** How long a watcher's stream lasts at most, in ms. Default 6000. */
  readonly streamMs?: number;
  /** How long an instance may be seen after its lease has ended, in ms. Default 1000. */
  readonly graceMs?: number;
  /** How long all may take to agree once nothing is broken, in ms. Default 25,000. */
  readonly convergeMs?: number;
  /** Told now and then how it goes. */
  readonly onProgress?: (line: string) => void;
  /** Ends the unquiet part early. */
  readonly signal?: AbortSignal;
  /** Asked now and then whether enough has been seen; the unquiet part then ends early. Default: never. */
  readonly isEnough?: (history: History) => boolean;
}

export interface SoakResult {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly figures: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly history: History;
  /** What the short names of contents in the history stand for, by number. */
  readonly contents: readonly string[];
  /** What the replicas logged, where something was found. */
  readonly logs: readonly { readonly file: string; readonly text: string }[];
}

const PROGRESS_MS = 5000;
const LOOK_MS = 200;
const SETTLE_MS = 4000;

/** The command of the registry as it is, or of a program of this repository with its arguments. */
export function registryCommand(words: readonly string[] = ['registry/src/main.ts']): string[] {
  const [program = '', ...args] = words;
  const path = join(import.meta.dirname, '../..', program);
  return ['node', '--conditions=weft-source', '--no-warnings', path, ...args];
}

/** Runs the registry among restless clients and faults, and holds what all saw against etcd's history. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { seed, durationMs, faultEveryMs = 3000, onProgress = () => {} } = options;
  const { commands = Array.from({ length: 3 }, () => registryCommand()) } = options;
  const { isEnough = () => false } = options;
  await using cleanup = new AsyncDisposableStack();
  const deaths: Finding[] = [];
  const recorder = new Recorder();
  const onDeath = (replica: number, message: string) => {
    const who = `replica ${replica}`;
    deaths.push({ kind: 'registry-died', atMs: recorder.nowMs, who, replica, message });
  };
  const cluster = await Cluster.start({ commands, onDeath });
  cleanup.defer(() => cluster.close());
  const oracle = new Oracle(recorder, cluster.etcd);
  cleanup.defer(() => oracle.close());
  cleanup.use(watchForStalls(recorder));
  const fleet = new Fleet(cluster.replicas, recorder, {
    seed,
    registrars: options.registrars ?? 16,
    watchers: options.watchers ?? 8,
    sdkServices: options.sdkServices ?? 2,
    hasDrains: options.hasDrains ?? true,
    streamMs: options.streamMs ?? 6000,
  });
  cleanup.defer(() => fleet.close());
  const enough = new AbortController();
  const injector = new Injector(cluster, oracle, recorder);
  const startedMs = recorder.nowMs;
  const report = () => onProgress(progressLine(recorder, recorder.nowMs - startedMs, durationMs));
  const timer = cleanup.adopt(setInterval(report, PROGRESS_MS), clearInterval);

  const script =
    faultEveryMs === 0
      ? []
      : faultScript(seededRandom(seed), {
          durationMs,
          replicas: commands.length,
          everyMs: faultEveryMs,
        });
  const signal = AbortSignal.any([enough.signal, ...(options.signal ? [options.signal] : [])]);
  const look = () => {
    if (isEnough(recorder) || injector.failures.length > 0) enough.abort();
  };
  const looking = cleanup.adopt(setInterval(look, LOOK_MS), clearInterval);
  await Promise.all([injector.play(script, signal), pause(durationMs, signal)]);
  clearInterval(looking);
  fleet.calm();
  const disagreements = await agreement(fleet, recorder, options.convergeMs ?? 25_000);
  const endMs = recorder.nowMs;
  clearInterval(timer);
  await fleet.close();
  await oracle.complete();

  const patience = { graceMs: options.graceMs ?? 1000, settleMs: SETTLE_MS };
  const open = disagreements.map(
    (message): Finding => ({ kind: 'not-converged', atMs: endMs, who: 'all', message }),
  );
  const { failures } = injector;
  const findings = [...verifyHistory(recorder, endMs, patience), ...deaths, ...failures, ...open];
  return {
    seed,
    findings,
    figures: figuresOf(recorder, endMs),
    faults: injector.counts,
    history: recorder,
    contents: recorder.contents.texts,
    logs: findings.length > 0 ? cluster.logs() : [],
  };
}

/** Waits until all see who is there; answers what they disagree on when they do not come to it. */
async function agreement(fleet: Fleet, recorder: Recorder, withinMs: number): Promise<string[]> {
  const end = recorder.nowMs + withinMs;
  for (;;) {
    const found = fleet.disagreements();
    if (found.length === 0 || recorder.nowMs > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function figuresOf(
  { writes, watches, changes, departures, polls, drains }: History,
  endMs: number,
) {
  const entries = watches.flatMap((watch) => watch.entries);
  const of = (kind: string) => entries.filter((entry) => entry.kind === kind).length;
  const events = entries.map((entry) => (entry.kind === 'events' ? entry.events.length : 0));
  return {
    ms: endMs,
    changes: changes.length,
    writes: writes.length,
    failedWrites: writes.filter(({ outcome }) => outcome.kind === 'failed').length,
    departures: departures.length,
    drains: drains.length,
    streams: of('open'),
    snapshots: of('snapshot'),
    events: events.reduce((sum, count) => sum + count, 0),
    marks: of('progress'),
    discoveries: polls.reduce((sum, poll) => sum + poll.polls.length, 0),
  };
}

function progressLine(recorder: Recorder, elapsedMs: number, durationMs: number): string {
  const figures = figuresOf(recorder, elapsedMs);
  const { writes, failedWrites, streams, snapshots, events } = figures;
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const phase = elapsedMs > durationMs ? 'settling' : `of ${seconds(durationMs)}`;
  const broken = recorder.broken.join(', ') || 'nothing';
  return (
    `${seconds(elapsedMs)} ${phase}: ${writes} writes (${failedWrites} failed), ${streams} streams ` +
    `with ${snapshots} snapshots and ${events} events; broken now: ${broken}`
  );
}
