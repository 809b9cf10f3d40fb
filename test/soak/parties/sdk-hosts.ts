import { createMesh } from '@weft/client-sdk';
import { pause } from '@weft/proto';
import { serveEcho } from '../../support/echo-service.ts';
import type { Replica } from '../cluster/replica.ts';

export interface SdkHostOptions {
  readonly service: string;
  readonly id: string;
  readonly replicas: readonly Replica[];
  readonly random: () => number;
}

/** A service as programs offer it, by `mesh.serve`, that restarts now and then. */
export class SdkHost {
  readonly key: string;
  readonly #options: SdkHostOptions;
  readonly #calmer = new AbortController();
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: SdkHostOptions) {
    this.#options = options;
    this.key = `${options.service}/${options.id}`;
    this.#running = this.#run();
  }

  /** From now on it stays. */
  calm(): void {
    this.#calmer.abort();
  }

  async close(): Promise<void> {
    this.#calmer.abort();
    this.#closer.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { service, id, replicas, random } = this.#options;
    const mesh = createMesh({ registry: replicas.map(({ address }) => address) });
    while (!this.#closer.signal.aborted) {
      const { host } = await serveEcho(mesh, id, { name: service, settleMs: 0 });
      await pause(4000 + 12_000 * random(), this.#calmer.signal);
      if (this.#calmer.signal.aborted) await pause(2 ** 30, this.#closer.signal);
      await host.close();
    }
    mesh.close();
  }
}
