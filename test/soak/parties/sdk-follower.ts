import { createMesh, WeftError } from '@weft/client-sdk';
import { pause } from '@weft/proto';
import type { Replica } from '../cluster/replica.ts';
import type { PollHistory } from '../history.ts';
import type { Recorder } from '../recorder.ts';

const EVERY_MS = 100;

/** Asks `mesh.discover` for one service over and over, as calls do. */
export class SdkFollower {
  readonly history: PollHistory;
  /** The set as last answered: content by key. */
  held = new Map<string, string>();
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;

  constructor(service: string, replicas: readonly Replica[], recorder: Recorder) {
    this.history = { name: `mesh.discover(${service})`, service, polls: [] };
    recorder.polls.push(this.history);
    this.#running = this.#run(replicas, recorder);
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
  }

  async #run(replicas: readonly Replica[], recorder: Recorder): Promise<void> {
    const mesh = createMesh({ registry: replicas.map(({ address }) => address) });
    const { service, polls } = this.history;
    const { signal } = this.#closer;
    let last: unknown;
    while (!signal.aborted) {
      try {
        const snapshot = await mesh.discover(service);
        // What it keeps though the registry lists it no more is as it should be, and no set of etcd's.
        if (snapshot.kept === 0 && snapshot.instances !== last) {
          last = snapshot.instances;
          const instances = snapshot.instances.map((instance) => recorder.contents.seen(instance));
          polls.push({ atMs: recorder.nowMs, revision: Number(snapshot.revision), instances });
          this.held = new Map(instances.map(({ key, content }) => [key, content]));
        }
      } catch (error) {
        // Nothing is known yet, and nobody answers.
        if (!(error instanceof WeftError)) throw error;
      }
      await pause(EVERY_MS, signal);
    }
    mesh.close();
  }
}
