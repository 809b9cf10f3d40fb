import { setImmediate } from 'node:timers/promises';
import { type Log, silentLog } from '@weft/proto';
import { Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { Catalog } from './catalog.ts';
import type { EtcdAccess } from './etcd-access.ts';
import { EtcdClient } from './etcd-client.ts';
import { EtcdFeed, type EtcdFeedOptions } from './etcd-feed.ts';
import { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { instanceKey, SERVICES_PREFIX } from './etcd-keys.ts';
import { EtcdMembership } from './etcd-membership.ts';
import type { FeedStats } from './feed-stats.ts';
import { encodeInstance } from './instance-json.ts';
import { LeaseDisposal } from './lease-disposal.ts';
import { newLeaseId, type TakenLease } from './lease-id.ts';
import { PutQueue } from './put-queue.ts';
import { planRegistration } from './registration-plan.ts';
import type { Replica, ReplicaList } from './replica-list.ts';
import { type Seen, seenAs } from './seen-key.ts';
import type { InstanceChange, InstanceReference, Store, Written } from './store.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';
import { WriteQueue } from './write-queue.ts';

/** How often a write is tried again when someone else changed the key in between. */
const ATTEMPTS = 5;
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

type Draft = Omit<StoredInstance, 'createRevision' | 'modRevision'>;

const isWritten = (outcome: Written | Seen): outcome is Written => 'instance' in outcome;

/**
 * Keeps instances in etcd, each under a lease of its own, and holds nothing besides: any number of
 * these may work on one etcd. Writes compare what they have read, so two at once stay right.
 */
export class EtcdStore implements Store {
  readonly catalog: Catalog;
  readonly #client: EtcdClient;
  readonly #feed: EtcdFeed;
  readonly #keepAlive: EtcdKeepAlive;
  readonly #disposal: LeaseDisposal;
  readonly #puts: PutQueue;
  #membership: EtcdMembership | undefined;
  readonly #writes = new WriteQueue({ limit: WRITES, isAway: () => this.catalog.isStale });
  readonly #log: Log;
  #toldFullAtMs = Number.NEGATIVE_INFINITY;

  /** Begins to read etcd at once, and goes on trying while it is away. */
  constructor({ endpoints, tls, user, log = silentLog, eventLimit, ...feed }: EtcdStoreOptions) {
    this.#log = log;
    this.catalog = new Catalog({ eventLimit });
    this.#client = new EtcdClient(endpoints, { tls, user, log });
    this.#keepAlive = new EtcdKeepAlive(this.#client);
    this.#disposal = new LeaseDisposal(this.#client, log);
    this.#puts = new PutQueue((puts) => this.#client.putEachIf(puts));
    this.#feed = new EtcdFeed({ ...feed, client: this.#client, catalog: this.catalog, log });
    this.#feed.start();
  }

  get stats(): Readonly<FeedStats> {
    return this.#feed.stats;
  }

  async register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    return this.#visible(await this.#inTurn(() => this.#register(description, ttlSeconds)));
  }

  async #register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    const { service, id } = description;
    const key = instanceKey(service, id);
    /** Taken for this instance; nothing hangs on it yet. */
    let spare: TakenLease | undefined;
    let seen = await this.#assume(service, id, (existing) => existing === undefined);
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const plan = planRegistration(this.#staying(seen), description, new Date());
        if (plan.kind === 'renew') {
          const { instance, isChanged } = plan;
          const [seconds] = await this.#keepAlive.renew([instance.leaseId]);
          if (seconds && !isChanged) return { instance, revision: seen.revision };
          const outcome = await (seconds ? this.#write(key, seen, instance) : this.#read(key));
          if (isWritten(outcome)) return outcome;
          seen = outcome;
          continue;
        }
        spare ??= this.#grant(ttlSeconds);
        const { leaseId, granted } = spare;
        // With nothing else to do etcd gets the record a turn after the lease, not when it has granted it.
        const isAhead = this.#writes.isAlone && attempt === 1;
        const seconds = await (isAhead ? setImmediate(ttlSeconds) : granted);
        const lease = { leaseId, ttlSeconds: seconds };
        const draft = { ...plan.description, ...lease, health: Health.HEALTH_UNSPECIFIED };
        const outcome = await this.#write(key, seen, draft, granted);
        if (isWritten(outcome)) {
          spare = undefined;
          const { existing } = seen;
          if (existing !== undefined) this.#disposal.giveUp(existing.leaseId, existing.ttlSeconds);
          return this.#corrected(key, outcome, granted);
        }
        if (outcome.isLeaseLost) spare = undefined;
        seen = outcome;
      }
    } finally {
      // Where the write failed it may have happened all the same; the end of its lease undoes it.
      if (spare !== undefined) this.#disposal.giveUp(spare.leaseId, ttlSeconds, spare.granted);
    }
    throw this.#contended(service, id);
  }

  async keepAlive(leaseIds: readonly bigint[]): Promise<number[]> {
    const seconds = await this.#keepAlive.renew(leaseIds);
    const looks: Promise<void>[] = [];
    for (const [index, leaseId] of leaseIds.entries()) {
      const left = seconds[index] ?? 0;
      if (left === 0 || this.#isListed(leaseId)) continue;
      const look = async () => {
        if (await this.#client.hasKeys(leaseId)) return;
        // A key deleted or overwritten by hand leaves the lease: its owner must register again.
        this.#disposal.giveUp(leaseId, left);
        seconds[index] = 0;
      };
      looks.push(look());
    }
    await Promise.all(looks);
    return seconds;
  }

  async update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    return this.#visible(await this.#inTurn(() => this.#update(reference, change)));
  }

  async #update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    const { service, id, leaseId } = reference;
    const key = instanceKey(service, id);
    const metadata = { service, id };
    const isMeant = (existing: StoredInstance | undefined) =>
      existing !== undefined && (leaseId === 0n || leaseId === existing.leaseId);
    let seen = await this.#assume(service, id, isMeant);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { existing } = seen;
      if (existing === undefined) {
        throw new StoreError('not-found', `instance '${id}' of '${service}' is not there`, {
          metadata,
        });
      }
      if (leaseId !== 0n && leaseId !== existing.leaseId) {
        throw new StoreError(
          'superseded',
          `instance '${id}' of '${service}' has another lease now`,
          { metadata },
        );
      }
      const changed = {
        ...existing,
        status: change.status ?? existing.status,
        weight: change.weight ?? existing.weight,
        metadata: change.metadata ?? existing.metadata,
      };
      const outcome = await this.#write(key, seen, changed);
      if (isWritten(outcome)) return outcome;
      seen = outcome;
    }
    throw this.#contended(service, id);
  }

  deregister(reference: InstanceReference) {
    return this.#inTurn(() => this.#deregister(reference));
  }

  async #deregister({ service, id, leaseId }: InstanceReference) {
    const key = instanceKey(service, id);
    const { revision, found } = await this.#client.get(key);
    const isOther = found !== undefined && leaseId !== 0n && leaseId !== found.leaseId;
    if (found === undefined || isOther) return { removed: false, revision };
    // The key goes with its lease, in one step; a successor's key hangs on another lease.
    const removedAt =
      found.leaseId === 0n
        ? await this.#client.deleteIf(found.modRevision, key)
        : (await this.#client.revoke(found.leaseId))?.revision;
    if (removedAt === undefined) {
      // Someone was faster: it is gone, or is another, since it was read.
      const { revision: seenAt } = await this.#client.get(key);
      return { removed: false, revision: seenAt };
    }
    await this.catalog.reached(removedAt, VISIBLE_MS);
    return { removed: true, revision: removedAt };
  }

  /** Runs a write in its turn. That etcd is full is for people to know, so it stands in the log too. */
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
    const { service, id, modRevision, createRevision } = instance;
    const seen = { existing: instance, modRevision, createRevision, revision: modRevision };
    return this.#inTurn(async () =>
      isWritten(await this.#write(instanceKey(service, id), seen, { ...instance, health })),
    );
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

  /** Whether the catalog shows an instance by its lease, and not only because what followed is none. */
  #isListed(leaseId: bigint): boolean {
    const instance = this.catalog.ofLease(leaseId);
    return instance !== undefined && !this.#feed.skips(instance);
  }

  /**
   * Who is at a key as the catalog has it, where that will do; else as etcd has it. The catalog may be
   * behind: what is found out by it must be written, since only a write compares.
   */
  async #assume(
    service: string,
    id: string,
    willDo: (existing: StoredInstance | undefined) => boolean,
  ): Promise<Seen> {
    const existing = this.catalog.get(service, id);
    if (this.catalog.isStale || !willDo(existing)) return this.#read(instanceKey(service, id));
    const { modRevision = 0n, createRevision = 0n } = existing ?? {};
    return { existing, modRevision, createRevision, revision: this.catalog.revision };
  }

  /** Who is at a key and is to stay: not who was written by a registration that failed, and is being undone. */
  #staying({ existing }: Seen): StoredInstance | undefined {
    return existing && this.#disposal.has(existing.leaseId) ? undefined : existing;
  }

  async #read(key: string): Promise<Seen> {
    const { found, revision } = await this.#client.get(key);
    return seenAs(found, revision);
  }

  #grant(wantedSeconds: number): TakenLease {
    const leaseId = newLeaseId();
    const granted = this.#client.grant(leaseId, wantedSeconds);
    // Whoever wants to know waits for it.
    granted.catch(() => {});
    return { leaseId, granted };
  }

  /** A record whose lease came out longer than it was asked for is to say so, if etcd takes that. */
  async #corrected(key: string, written: Written, granted: Promise<number>): Promise<Written> {
    const { instance, revision } = written;
    // What is written under a lease shows that it was granted, whatever became of the answer.
    const ttlSeconds = await granted.catch(() => instance.ttlSeconds);
    if (instance.ttlSeconds === ttlSeconds) return written;
    const { modRevision, createRevision } = instance;
    const seen = { existing: instance, modRevision, createRevision, revision };
    const longer = { ...instance, ttlSeconds };
    const outcome = await this.#write(key, seen, longer).catch(() => written);
    return isWritten(outcome) ? outcome : written;
  }

  /**
   * Writes a record if its key is as it was seen; else answers how it is now. One that reaches etcd
   * before the lease that is being granted for it is written again after it.
   */
  async #write(
    key: string,
    seen: Seen,
    draft: Draft,
    granted?: Promise<number>,
  ): Promise<Written | Seen> {
    const { leaseId } = draft;
    const value = encodeInstance(draft);
    const put = { key, value, leaseId, modRevision: seen.modRevision };
    let outcome = await this.#puts.put(put);
    if (outcome.kind === 'lease-lost' && granted !== undefined) {
      await granted;
      outcome = await this.#puts.put(put);
    }
    if (outcome.kind === 'lease-lost') return { ...(await this.#read(key)), isLeaseLost: true };
    let { revision } = outcome;
    if (outcome.kind === 'changed') {
      const { found } = outcome;
      // Tried again on another member, the first answer having been lost, a write finds its own.
      const isOwn = found?.leaseId === leaseId && found.value === value;
      if (!isOwn) return seenAs(found, revision);
      revision = found.modRevision;
    }
    const createRevision = seen.createRevision || revision;
    return { instance: { ...draft, createRevision, modRevision: revision }, revision };
  }

  async #visible(written: Written): Promise<Written> {
    await this.catalog.reached(written.instance.modRevision, VISIBLE_MS);
    return written;
  }

  #contended(service: string, id: string): StoreError {
    return new StoreError('unavailable', `instance '${id}' of '${service}' changes too often`, {
      metadata: { service, id },
    });
  }
}
