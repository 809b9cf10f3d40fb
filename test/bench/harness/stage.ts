import { createRegistry, type Registry } from '@weft/registry';
import type { ArmSpec } from '../arms/caller.ts';
import type { InstanceSpec } from '../processes/server.ts';
import { endWorkers, Worker } from './processes.ts';

/** What a bench with real calls plays on: a registry here, servers and clients in processes of their own. */
export class Stage {
  readonly registry: Registry;
  readonly #workers = new Set<Worker>();

  private constructor(registry: Registry) {
    this.registry = registry;
  }

  /** Runs `play` on a stage of its own, and clears it on every way out. */
  static async use<T>(play: (stage: Stage) => Promise<T>): Promise<T> {
    const stage = new Stage(await createRegistry({ port: 0, callback: false }));
    try {
      return await play(stage);
    } finally {
      await endWorkers(stage.#workers);
      await stage.registry.close(0);
    }
  }

  /** Starts a process of a file under test/bench. */
  start(file: string, nodeArgs: readonly string[] = []): Worker {
    const worker = new Worker(file, [], nodeArgs);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }

  server(): Worker {
    return this.start('processes/server.ts');
  }

  /** Has a server process offer one more instance. Answers its address. */
  serve(server: Worker, instance: Omit<InstanceSpec, 'registry'>): Promise<string> {
    return server.ask<string>('serve', { registry: this.registry.address, ...instance });
  }

  /** Starts a client process, of one arm alone, so that arms share neither heap nor compiled code. */
  async client(arm: ArmSpec): Promise<Worker> {
    const worker = this.start('processes/client.ts');
    await this.reopen(worker, arm);
    return worker;
  }

  /** Has a client begin anew: nothing is left of what its arm had learnt. */
  async reopen(client: Worker, arm: ArmSpec): Promise<void> {
    await client.ask('open', { registry: this.registry.address, ...arm });
  }
}
