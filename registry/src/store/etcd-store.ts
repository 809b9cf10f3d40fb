import { type Log, silentLog } from '@weft/proto';
import type { Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { Catalog } from './catalog.ts';
import type { EtcdAccess } from './etcd-access.ts';
import { EtcdClient } from './etcd-client.ts';
import { EtcdFeed, type EtcdFeedOptions } from './etcd-feed.ts';
import { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { instanceKey, SERVICES_PREFIX } from './etcd-keys.ts';
import { EtcdMembership } from './etcd-membership.ts';
import { EtcdWriter } from './etcd-writer.ts';
import type { FeedStats } from './feed-stats.ts';
import { LeaseDisposal } from './lease-disposal.ts';
import type { Replica, ReplicaList } from './replica-list.ts';
import type { InstanceChange, InstanceReference, Store, Written } from './store.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';
import { WriteQueue } from './write-queue.ts';

/** Writes under way at once; each is some calls, one after the other. */
const WRITES = 64;
/** How long a write that is done waits for the catalog to show it. */
const VISIBLE_MS = 500;
/** How often to log that etcd is full, while it is. */
const FULL_LOG_MS = 60_000;

export interface EtcdStoreOptions
  extends EtcdAccess,
    Pick<EtcdFeedOptions, 'checkMs' | 'auditMs' | 'confirmMs'> {
  /** `host:port` of each member. */
  endpoints: readonly string[];
  /** Default: silent. */
  log?: Log;
  /** Changes kept for watchers that come back. Default 10,000. */
  eventLimit?: number;
}

/**
 * Keeps instances in etcd, each under a lease of its own, and holds nothing besides: any number of
 * these may work on one etcd.
 */
export class EtcdStore implements Store {
  readonly catalog: Catalog;
  readonly #client: EtcdClient;
  readonly #feed: EtcdFeed;
  readonly #keepAlive: EtcdKeepAlive;
  readonly #disposal: LeaseDisposal;
  readonly #writer: EtcdWriter;
  #membership: EtcdMembership | undefined;
  readonly #writes = new WriteQueue({ limit: WRITES, isAway: () => this.catalog.isStale });
  readonly #log: Log;
  #toldFullAtMs = Number.NEGATIVE_INFINITY;

  /** Begins to read etcd at once, and goes on trying while it is away. */
  constructor(options: EtcdStoreOptions) {
    const { endpoints, prefix, tls, user, log = silentLog, eventLimit, ...feed } = options;
    this.#log = log;
    this.catalog = new Catalog({ eventLimit });
    this.#client = new EtcdClient(endpoints, { prefix, tls, user, log });
    this.#keepAlive = new EtcdKeepAlive(this.#client);
    this.#disposal = new LeaseDisposal(this.#client, log);
    this.#writer = new EtcdWriter({
      client: this.#client,
      keepAlive: this.#keepAlive,
      disposal: this.#disposal,
      catalog: this.catalog,
      isAlone: () => this.#writes.isAlone,
    });
    this.#feed = new EtcdFeed({ ...feed, client: this.#client, catalog: this.catalog, log });
    this.#feed.start();
  }

  get stats(): Readonly<FeedStats> {
    return this.#feed.stats;
  }

  async register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    return this.#visible(await this.#inTurn(() => this.#writer.register(description, ttlSeconds)));
  }

  async keepAlive(leaseIds: readonly bigint[]): Promise<number[]> {
    const seconds = await this.#keepAlive.renew(leaseIds);
    const looks: Promise<void>[] = [];
    for (const [index, leaseId] of leaseIds.entries()) {
      const left = seconds[index] ?? 0;
      if (left === 0 || this.#isListed(leaseId)) continue;
      const look = async () => {
        const keys = await this.#client.keysOf(leaseId);
        // The owner registers again if its key was deleted or moved to another lease by hand, or if
        // the value under the lease became invalid. An invalid value stays until the owner replaces
        // it.
        if (keys.some((key) => !this.#feed.skips(key))) return;
        if (keys.length === 0) this.#disposal.giveUp(leaseId, left);
        seconds[index] = 0;
      };
      looks.push(look());
    }
    await Promise.all(looks);
    return seconds;
  }

  isLeaseAlive(leaseId: bigint): Promise<boolean> {
    return this.#client.isLeaseAlive(leaseId);
  }

  async update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    return this.#visible(await this.#inTurn(() => this.#writer.update(reference, change)));
  }

  async deregister(reference: InstanceReference) {
    const outcome = await this.#inTurn(() => this.#writer.deregister(reference));
    if (outcome.removed) await this.catalog.reached(outcome.revision, VISIBLE_MS);
    return outcome;
  }

  /**
   * Runs a write in its turn. That etcd is full is for people to know, so it stands in the log too.
   */
  async #inTurn<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await this.#writes.run(write);
    } catch (error) {
      const isFull = error instanceof StoreError && error.code === 'no-space';
      if (isFull && performance.now() - this.#toldFullAtMs > FULL_LOG_MS) {
        this.#toldFullAtMs = performance.now();
        this.#log.error({ err: error }, 'etcd is full: nothing can be registered');
      }
      throw error;
    }
  }

  setHealth(instance: StoredInstance, health: Health): Promise<boolean> {
    return this.#inTurn(() => this.#writer.setHealth(instance, health));
  }

  join(self: Replica, replicas: ReplicaList): void {
    const [client, keepAlive, log] = [this.#client, this.#keepAlive, this.#log];
    const reach = this.#feed.reach.bind(this.#feed);
    this.#membership ??= new EtcdMembership({ client, keepAlive, self, replicas, reach, log });
  }

  async entered(withinMs: number, signal: AbortSignal): Promise<void> {
    const membership = this.#membership;
    if (membership?.wasEntered && this.catalog.isStale) return;
    await membership?.entered(withinMs, signal);
  }

  async refreshReplicas(): Promise<void> {
    await this.#membership?.refresh().catch(() => {});
  }

  async latestRevision(): Promise<bigint> {
    const { revision } = await this.#client.get(SERVICES_PREFIX);
    return revision;
  }

  async close(): Promise<void> {
    await this.#membership?.close();
    await this.#feed.close();
    this.#keepAlive.close();
    await this.#disposal.close();
    this.#client.close();
  }

  /**
   * Whether the catalog lists an instance by its lease, and the value of its key is still valid.
   */
  #isListed(leaseId: bigint): boolean {
    const instance = this.catalog.ofLease(leaseId);
    if (instance === undefined) return false;
    return !this.#feed.skips(instanceKey(instance.service, instance.id));
  }

  async #visible(written: Written): Promise<Written> {
    await this.catalog.reached(written.instance.modRevision, VISIBLE_MS);
    return written;
  }
}
