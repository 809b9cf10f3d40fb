import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { endWorkers, Worker } from './processes.ts';

/** What benches of a registry on etcd play on: an etcd, and whatever processes are started. */
export class RegistryStage {
  readonly etcd: TestEtcd;
  readonly #workers = new Set<Worker>();

  private constructor(etcd: TestEtcd) {
    this.etcd = etcd;
  }

  /** Runs `play` on a stage of its own, and clears it on every way out. */
  static async use<T>(play: (stage: RegistryStage) => Promise<T>): Promise<T> {
    const stage = new RegistryStage(await createTestEtcd());
    try {
      return await play(stage);
    } finally {
      await endWorkers(stage.#workers);
      await stage.etcd.close();
    }
  }

  /** Starts a process of a file under test/bench. */
  start(file: string, nodeArgs: readonly string[] = []): Worker {
    const worker = new Worker(file, [], nodeArgs);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }

  /** Starts a registry in a process of its own; see `processes/etcd-registry.ts`. */
  registry(): Worker {
    return this.start('processes/etcd-registry.ts', ['--expose-gc']);
  }
}
