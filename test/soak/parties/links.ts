import { createRegistryClient } from '../../support/registry.ts';
import type { Replica } from '../cluster/replica.ts';

const RECONNECT = {
  'grpc.initial_reconnect_backoff_ms': 100,
  // The bound of an attempt. On a busy machine attempts given up sooner fill the queue of the next ones.
  'grpc.min_reconnect_backoff_ms': 5000,
  'grpc.max_reconnect_backoff_ms': 500,
};

export type RegistryClient = ReturnType<typeof createRegistryClient>['client'];

/** Connections to the replicas, one to each. */
export class Links {
  readonly #links: readonly ReturnType<typeof createRegistryClient>[];

  constructor(replicas: readonly Replica[]) {
    this.#links = replicas.map(({ address }) => createRegistryClient(address, RECONNECT));
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
