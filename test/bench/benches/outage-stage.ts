import { freePort } from '../../../orchestrator/src/process/ports.ts';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import { type RegistryProcess, startRegistry } from '../../support/registry-process.ts';
import type { Sample } from '../harness/open-loop.ts';
import type { Worker } from '../harness/processes.ts';
import type { Stage } from '../harness/stage.ts';

const SERVICE = 'bench-outage';
const INSTANCES = 3;
const DELAY_MS = 5;
const TTL_SECONDS = 2;
export const PER_SECOND = 300;
const WRITE_SHARE = 1 / 3;

/** A mesh over etcd and two registries, all in processes of their own, which can be taken down and back. */
export class OutageStage {
  readonly #stage: Stage;
  readonly #etcd: TestEtcd;
  readonly #ports: readonly number[];
  #registries: RegistryProcess[] = [];
  #client: Worker | undefined;

  private constructor(stage: Stage, etcd: TestEtcd, ports: readonly number[]) {
    this.#stage = stage;
    this.#etcd = etcd;
    this.#ports = ports;
  }

  /** Runs `play` on such a mesh, and clears it on every way out. */
  static async use<T>(stage: Stage, play: (outage: OutageStage) => Promise<T>): Promise<T> {
    const ports = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
    const outage = new OutageStage(stage, await createTestEtcd(), ports);
    try {
      await outage.#open();
      return await play(outage);
    } finally {
      await Promise.all(outage.#registries.map((registry) => registry.end()));
      await outage.#etcd.close();
    }
  }

  async #open(): Promise<void> {
    await this.#startRegistries();
    const registry = this.#ports.map((port) => `127.0.0.1:${port}`).join(',');
    for (let index = 0; index < INSTANCES; index += 1) {
      const id = `i${index}`;
      const instance = {
        registry,
        service: SERVICE,
        id,
        delayMs: DELAY_MS,
        ttlSeconds: TTL_SECONDS,
      };
      await this.#stage.server().ask('serve', instance);
    }
    this.#client = await this.#stage.client({ kind: 'weft-grpc-js', registry, service: SERVICE });
  }

  /** Calls for `ms`, `PER_SECOND`, and answers how each call fared. */
  async load(ms: number, seed: number): Promise<Sample[]> {
    const loop = { perSecond: PER_SECOND, ms, seed, writeShare: WRITE_SHARE };
    return (this.#client as Worker).ask<Sample[]>('openLoop', loop);
  }

  /** Kills etcd and both registries. */
  async takeDown(): Promise<void> {
    await Promise.all([this.#etcd.kill(), ...this.#registries.map((registry) => registry.end())]);
  }

  /** Starts them again; instances and clients come back by themselves. */
  async bringBack(): Promise<void> {
    await this.#etcd.start();
    await this.#startRegistries();
  }

  async #startRegistries(): Promise<void> {
    this.#registries = this.#ports.map((port) =>
      startRegistry({ flags: ['--etcd', this.#etcd.endpoint, '--port', String(port)] }),
    );
    await Promise.all(this.#registries.map((registry) => registry.ready()));
  }
}
