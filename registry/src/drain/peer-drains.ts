import { clientTransport, pause } from '@weft/proto';
import {
  type DrainHolder,
  RegistryServiceDefinition,
  type WatchDrainResponse,
} from '@weft/proto/registry';
import { createChannel, createClient } from 'nice-grpc';
import type { Replica, ReplicaList } from '../store/replica-list.ts';

/** How long a replica that does not answer is left alone before it is asked again. */
const RETRY_MS = 250;

export interface PeerDrainsOptions {
  service: string;
  revision: bigint;
  replicas: ReplicaList;
  /** Id of the replica that asks: it knows its own clients. */
  selfId: string;
  /** Told whenever `holders` has changed. */
  onChange: () => void;
}

interface Peer {
  holders: readonly DrainHolder[];
  count: number;
  readonly closer: AbortController;
}

/**
 * Asks the other replicas which of their clients hold up a drain. One that cannot be asked holds it up
 * itself, as `registry <address>`, for as long as it is known to live. Always close it.
 */
export class PeerDrains {
  readonly #options: PeerDrainsOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #unsubscribe: () => void;

  constructor(options: PeerDrainsOptions) {
    this.#options = options;
    this.#unsubscribe = options.replicas.subscribe(() => this.#compare());
    this.#compare();
  }

  get holders(): DrainHolder[] {
    return [...this.#peers.values()].flatMap(({ holders }) => holders);
  }

  /** How many there are, also where `holders` does not name them all. */
  get count(): number {
    return [...this.#peers.values()].reduce((sum, { count }) => sum + count, 0);
  }

  close(): void {
    this.#unsubscribe();
    for (const { closer } of this.#peers.values()) closer.abort();
    this.#peers.clear();
  }

  /** Asks those that have come and forgets those that are gone. */
  #compare(): void {
    const { replicas, selfId, onChange } = this.#options;
    const others = new Map(replicas.live.map((replica) => [replica.id, replica]));
    others.delete(selfId);
    for (const [id, { closer }] of this.#peers) {
      if (others.has(id)) continue;
      closer.abort();
      this.#peers.delete(id);
    }
    for (const [id, replica] of others) {
      if (this.#peers.has(id)) continue;
      const peer: Peer = { ...unasked(replica), closer: new AbortController() };
      this.#peers.set(id, peer);
      void this.#ask(replica, peer);
    }
    onChange();
  }

  async #ask(replica: Replica, peer: Peer): Promise<void> {
    const { service, revision, onChange } = this.#options;
    const { signal } = peer.closer;
    const take = ({ holders, holderCount: count }: WatchDrainResponse) => {
      Object.assign(peer, { holders, count });
      onChange();
    };
    while (!signal.aborted) {
      const channel = createChannel(replica.address, undefined, clientTransport);
      const client = createClient(RegistryServiceDefinition, channel);
      try {
        const request = { service, revision, thisReplicaOnly: true };
        for await (const answer of client.watchDrain(request, { signal })) take(answer);
        if (peer.count === 0) return;
      } catch {
        // What is wrong with it is for its own log; here it only cannot be asked.
      } finally {
        channel.close();
      }
      if (signal.aborted) return;
      Object.assign(peer, unasked(replica));
      onChange();
      await pause(RETRY_MS, signal);
    }
  }
}

function unasked({ address }: Replica): { holders: readonly DrainHolder[]; count: number } {
  return { holders: [{ client: `registry ${address}`, revision: 0n }], count: 1 };
}
