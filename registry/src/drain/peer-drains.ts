import { clientTransport, pause } from '@weft/proto';
import {
  type DrainHolder,
  RegistryServiceDefinition,
  type WatchDrainResponse,
} from '@weft/proto/registry';
import { createChannel, createClient } from 'nice-grpc';
import type { Replica, ReplicaList } from '../store/replica-list.ts';

/** After how long a replica is asked again that did not answer, or had no holder, in ms. */
const AGAIN_MS = 250;

export interface PeerDrainsOptions {
  service: string;
  revision: bigint;
  /** When the instance was listed, on the clock of `performance.now()`; -Infinity if unknown. */
  listedAtMs: number;
  replicas: ReplicaList;
  /** Id of the replica that asks: it knows its own clients. */
  selfId: string;
  /** Called whenever `holders` has changed. */
  onChange: () => void;
}

type Told = Pick<WatchDrainResponse, 'holders' | 'holderCount' | 'lostWatchIds' | 'openWatchIds'>;

interface Peer extends Told {
  /** Ends when the replica is gone, or the drain is over. */
  readonly closer: AbortController;
  /** Ends the question under way, for another one. */
  question: AbortController;
}

/**
 * Asks the other replicas which of their clients hold up a drain, for as long as the drain lasts: a client that
 * has lost its registry may come to a replica that had no holder before. A replica that cannot be asked holds
 * the drain up itself, as `registry <address>`, for as long as it is known to live. Always close it.
 */
export class PeerDrains {
  readonly #options: PeerDrainsOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #unsubscribe: () => void;
  /** Watches that broke off anywhere. */
  #lostWatchIds: readonly string[] = [];

  constructor(options: PeerDrainsOptions) {
    this.#options = options;
    this.#unsubscribe = options.replicas.subscribe(() => this.#compare());
    this.#compare();
  }

  /** Watches that broke off at the other replicas, and hold the drain up there. */
  get lostWatchIds(): string[] {
    return [...this.#peers.values()].flatMap(({ lostWatchIds }) => lostWatchIds);
  }

  /** Ids of the watches given to `lookFor` that are open at another replica. */
  get openWatchIds(): Set<string> {
    return new Set([...this.#peers.values()].flatMap(({ openWatchIds }) => openWatchIds));
  }

  /**
   * The holders at the other replicas, as far as they are named, and how many there are.
   * @param isBack whether a watch that broke off is open again somewhere
   */
  holders(isBack: (watchId: string) => boolean): { holders: DrainHolder[]; count: number } {
    const holders: DrainHolder[] = [];
    let count = 0;
    for (const peer of this.#peers.values()) {
      const back = new Set(peer.lostWatchIds.filter(isBack));
      count += peer.holderCount - back.size;
      holders.push(...peer.holders.filter(({ watchId }) => !back.has(watchId)));
    }
    return { holders, count };
  }

  /** Asks about these watches as well, which broke off at this or another replica. */
  lookFor(lostWatchIds: readonly string[]): void {
    const known = new Set(this.#lostWatchIds);
    this.#lostWatchIds = lostWatchIds;
    if (lostWatchIds.every((watchId) => known.has(watchId))) return;
    for (const { question } of this.#peers.values()) question.abort();
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
      const closer = new AbortController();
      const peer: Peer = { ...unasked(replica), closer, question: new AbortController() };
      this.#peers.set(id, peer);
      void this.#ask(replica, peer);
    }
    onChange();
  }

  async #ask(replica: Replica, peer: Peer): Promise<void> {
    const { closer } = peer;
    while (!closer.signal.aborted) {
      peer.question = new AbortController();
      const signal = AbortSignal.any([closer.signal, peer.question.signal]);
      await this.#askOnce(replica, peer, signal);
      // Another question waits for nothing.
      await pause(AGAIN_MS, signal);
    }
  }

  async #askOnce(replica: Replica, peer: Peer, signal: AbortSignal): Promise<void> {
    const { service, revision, listedAtMs, onChange } = this.#options;
    const channel = createChannel(replica.address, undefined, clientTransport);
    const client = createClient(RegistryServiceDefinition, channel);
    const request = {
      service,
      revision,
      thisReplicaOnly: true,
      listedMs: listedMs(listedAtMs),
      lostWatchIds: [...this.#lostWatchIds],
    };
    try {
      for await (const told of client.watchDrain(request, { signal })) {
        Object.assign(peer, told);
        onChange();
      }
      if (peer.holderCount === 0) return;
    } catch {
      // Why it cannot be asked is for its own log.
    } finally {
      channel.close();
    }
    // Its last answer counts until it has answered the next question.
    if (signal.aborted) return;
    Object.assign(peer, unasked(replica));
    onChange();
  }
}

/** How long ago that was, as a request says it: 0 if unknown. */
function listedMs(listedAtMs: number): bigint {
  const ago = performance.now() - listedAtMs;
  return Number.isFinite(ago) ? BigInt(Math.max(1, Math.round(ago))) : 0n;
}

function unasked({ address }: Replica): Told {
  const holders = [{ client: `registry ${address}`, revision: 0n, watchId: '' }];
  return { holders, holderCount: 1, lostWatchIds: [], openWatchIds: [] };
}
