import { type Log, messageOf, pause } from '@weft/proto';
import { isAddress } from '../address-rules.ts';
import { StoreError } from '../errors.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { REGISTRIES_PREFIX } from './etcd-keys.ts';
import type { KeyValue } from './etcd-keyspace.ts';
import { newLeaseId } from './lease-id.ts';
import type { Replica, ReplicaList } from './replica-list.ts';

/** How long a replica that died is still taken to live, and how often each says that it does. */
const TTL_SECONDS = 5;
const EVERY_MS = 1000;
/**
 * Who could not list them for so long finds some whose lease ended meanwhile gone, and about to be
 * back.
 */
const DOUBT_AFTER_MS = TTL_SECONDS * 1000 - 2 * EVERY_MS;
/**
 * By then they are: they connect anew, have a call or two fail that waits 2 s, and look once more.
 */
const DOUBT_MS = 10_000;

/**
 * Reads a replica from etcd. Anyone can write to etcd, and a replica that cannot be reached holds
 * up every drain, so its key must have a lease that ends.
 * @returns undefined if the value is not a valid replica.
 */
export function decodeReplica({
  key,
  value,
  leaseId,
}: Pick<KeyValue, 'key' | 'value' | 'leaseId'>): Replica | undefined {
  try {
    const { id, address, startTime: started }: Record<string, unknown> = JSON.parse(value);
    const startTime = new Date(`${started}`);
    const isReplica = key === `${REGISTRIES_PREFIX}${id}` && leaseId !== 0n && isAddress(address);
    if (!isReplica || Number.isNaN(+startTime)) return undefined;
    return { id: `${id}`, address, startTime };
  } catch {
    return undefined;
  }
}

export interface EtcdMembershipOptions {
  client: EtcdClient;
  keepAlive: EtcdKeepAlive;
  self: Replica;
  /** Kept like etcd: the replicas whose lease lives. As it last was while etcd is away. */
  replicas: ReplicaList;
  /** Brings what is served to a revision; answers whether it has come to it. */
  reach: (revision: bigint, withinMs: number) => Promise<boolean>;
  log: Log;
}

/**
 * Keeps a registry known to the others on the same etcd, by a key on a lease of its own, and the
 * others known to it. They are listed every second, and when it matters that none is missed: they
 * are few.
 *
 * It matters to a drain, which ends when no client of a replica routes by what was before it. One
 * that is not listed may be missed, and does no harm if it has clients only once its key is written
 * and what it serves is no older than the key (`entered`): a drain that missed the key began before
 * it. Those that had clients when they lost their keys do so together with who lists them, by an
 * outage of etcd: after one the list is in doubt until their time to come back is over.
 */
export class EtcdMembership {
  readonly #options: EtcdMembershipOptions;
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;
  #leaseId: bigint | undefined;
  /** The revision of its key, and until when that is there, on the clock of `performance.now()`. */
  #place = { revision: 0n, untilMs: 0 };
  #placed = Promise.withResolvers<void>();
  #listedAtMs = performance.now();
  /** Whether etcd is full, so that nothing can be entered. */
  #isShutOut = false;
  /** Lists asked for, and the latest of them that was taken. */
  #lists = { asked: 0, taken: 0 };

  constructor(options: EtcdMembershipOptions) {
    this.#options = options;
    options.replicas.set([options.self]);
    this.#running = this.#run();
  }

  /** Leaves: the others know at once. */
  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
    if (this.#leaseId === undefined) return;
    // Where etcd does not answer the lease ends by itself.
    await this.#options.client.revoke(this.#leaseId).catch(() => {});
  }

  /** Whether it has ever been `entered`. */
  get wasEntered(): boolean {
    return this.#place.untilMs > 0;
  }

  /**
   * Waits until its key is there and what it serves is no older than that, as long as told; not
   * while etcd is full: reads go on.
   */
  async entered(withinMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isShutOut || performance.now() < this.#place.untilMs) return;
    const over = new AbortController();
    await Promise.race([
      this.#placed.promise,
      pause(withinMs, AbortSignal.any([signal, over.signal])),
    ]);
    over.abort();
  }

  /**
   * Brings `replicas` up to date at once. @throws when etcd does not answer: they stay as they were
   */
  async refresh(): Promise<KeyValue[]> {
    const { client, self, replicas } = this.#options;
    const lists = this.#lists;
    lists.asked += 1;
    const turn = lists.asked;
    const askedAtMs = performance.now();
    const keyValues = await client.listAll(REGISTRIES_PREFIX);
    // Of two lists at once the one asked for first may come last.
    if (turn > lists.taken) {
      lists.taken = turn;
      if (askedAtMs - this.#listedAtMs > DOUBT_AFTER_MS) replicas.doubt(DOUBT_MS);
      this.#listedAtMs = askedAtMs;
      const listed = keyValues.map(decodeReplica).filter((replica) => replica !== undefined);
      replicas.set([...listed.filter(({ id }) => id !== self.id), self]);
    }
    return keyValues;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    while (!signal.aborted) {
      try {
        const askedAtMs = performance.now();
        await this.#renew();
        await this.#enter(await this.refresh(), askedAtMs + TTL_SECONDS * 1000);
        this.#isShutOut = false;
      } catch (error) {
        this.#isShutOut = error instanceof StoreError && error.code === 'no-space';
        this.#options.log.debug({ error: messageOf(error) }, 'the replicas could not be listed');
      }
      await pause(EVERY_MS * (0.9 + 0.1 * Math.random()), signal);
    }
  }

  async #renew(): Promise<void> {
    const { client, keepAlive } = this.#options;
    if (this.#leaseId !== undefined) {
      const [seconds = 0] = await keepAlive.renew([this.#leaseId]);
      if (seconds > 0) return;
    }
    // Known before it is granted, so that one whose answer is lost is renewed or revoked all the
    // same.
    this.#leaseId = newLeaseId();
    await client.grant(this.#leaseId, TTL_SECONDS);
  }

  /** Sees to it that its own key is there, and on its lease, which lasts until then. */
  async #enter(keyValues: readonly KeyValue[], untilMs: number): Promise<void> {
    const revision = await this.#write(keyValues);
    if (revision === undefined) return;
    if (revision !== this.#place.revision) {
      const { signal } = this.#closer;
      const reached = this.#options.reach(revision, EVERY_MS);
      if ((await Promise.race([reached, pause(EVERY_MS, signal)])) !== true) return;
    }
    this.#place = { revision, untilMs };
    this.#placed.resolve();
    this.#placed = Promise.withResolvers();
  }

  /**
   * Writes its own key where it is not among those listed, or hangs on another lease; its revision.
   */
  async #write(keyValues: readonly KeyValue[]): Promise<bigint | undefined> {
    const { client, self } = this.#options;
    const key = `${REGISTRIES_PREFIX}${self.id}`;
    const known = keyValues.find((kv) => kv.key === key);
    if (known !== undefined && known.leaseId === this.#leaseId) return known.modRevision;
    const value = JSON.stringify({
      id: self.id,
      address: self.address,
      startTime: self.startTime.toISOString(),
    });
    const put = { key, value, leaseId: this.#leaseId ?? 0n, modRevision: known?.modRevision ?? 0n };
    const [outcome] = await client.putEachIf([put]);
    return outcome?.kind === 'written' ? outcome.revision : undefined;
  }
}
