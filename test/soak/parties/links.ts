import { createRegistryClient } from '../../support/registry.ts';
import type { Replica } from '../cluster/replica.ts';

const CONNECTING = {
  // What nice-grpc gives an attempt. On a busy machine those given up sooner fill the queue of the next.
  'grpc.min_reconnect_backoff_ms': 5000,
  'grpc.max_reconnect_backoff_ms': 500,
};

export type RegistryClient = ReturnType<typeof createRegistryClient>['client'];

/** Connections to the replicas, one to each. */
export class Links {
  readonly #links: readonly ReturnType<typeof createRegistryClient>[];

  constructor(replicas: readonly Replica[]) {
    this.#links = replicas.map(({ address }) => createRegistryClient(address, CONNECTING));
  }

  to(replica: number): RegistryClient {
    const link = this.#links[replica];
    if (link === undefined) throw new Error(`there is no replica ${replica}`);
    return link.client;
  }

  /** Which replica to use, given a number from 0 to 1. */
  choose(random: number): number {
    return Math.floor(random * this.#links.length);
  }

  close(): void {
    for (const { close } of this.#links) close();
  }
}
