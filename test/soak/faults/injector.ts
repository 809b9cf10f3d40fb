import { messageOf, pause } from '@weft/proto';
import type { Cluster } from '../cluster/cluster.ts';
import type { Oracle } from '../parties/oracle.ts';
import type { Recorder } from '../recorder.ts';
import type { Finding } from '../verify/finding.ts';
import type { Fault } from './fault-script.ts';
import { FAULTS } from './faults.ts';

/** Plays a script of faults. Each ends by itself; those of one target wait for one another. */
export class Injector {
  readonly #cluster: Cluster;
  readonly #oracle: Oracle;
  readonly #recorder: Recorder;
  /** For each target, when what is about it is over. */
  readonly #busy = new Map<string, Promise<void>>();
  /** How many of each kind there were. */
  readonly counts: Record<string, number> = {};
  /** What could not be made whole again. The script ends with the first. */
  readonly failures: Finding[] = [];

  constructor(cluster: Cluster, oracle: Oracle, recorder: Recorder) {
    this.#cluster = cluster;
    this.#oracle = oracle;
    this.#recorder = recorder;
  }

  /** Resolves when all are over, so that everything is whole again. */
  async play(script: readonly Fault[], signal: AbortSignal): Promise<void> {
    const start = performance.now();
    for (const fault of script) {
      await pause(Math.max(0, start + fault.atMs - performance.now()), signal);
      if (signal.aborted || this.failures.length > 0) break;
      this.#begin(fault);
    }
    await Promise.all(this.#busy.values());
  }

  #begin(fault: Fault): void {
    const { kind } = fault;
    const replica = this.#cluster.replicas[fault.replica];
    if (replica === undefined) throw new Error(`there is no replica ${fault.replica}`);
    const { targets, run } = FAULTS[kind];
    const isOnReplica = targets.includes('replica');
    const names = targets.map((target) =>
      target === 'replica' ? `replica ${replica.index}` : target,
    );
    const scene = {
      etcd: this.#cluster.etcd,
      replica,
      oracle: this.#oracle,
      recorder: this.#recorder,
    };
    const act = async () => {
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      const end = this.#recorder.disturb(isOnReplica ? `${kind} ${replica.index}` : kind);
      try {
        await run(scene, fault);
      } catch (error) {
        const { nowMs: atMs } = this.#recorder;
        this.failures.push({ kind: 'not-mended', atMs, who: kind, message: messageOf(error) });
      } finally {
        end();
      }
    };
    const before = names.map((name) => this.#busy.get(name));
    const running = Promise.all(before).then(act);
    for (const name of names) this.#busy.set(name, running);
  }
}
