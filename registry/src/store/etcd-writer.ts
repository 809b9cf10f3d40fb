import { setImmediate } from 'node:timers/promises';
import { Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { instanceKey } from './etcd-keys.ts';
import { encodeInstance } from './instance-json.ts';
import type { LeaseDisposal } from './lease-disposal.ts';
import { newLeaseId, type TakenLease } from './lease-id.ts';
import { PutQueue } from './put-queue.ts';
import { planRegistration } from './registration-plan.ts';
import { type Seen, seenAs } from './seen-key.ts';
import type { InstanceChange, InstanceReference, Written } from './store.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';

/** How often a write is tried again when someone else changed the key in between. */
const ATTEMPTS = 5;

export interface EtcdWriterOptions {
  client: EtcdClient;
  keepAlive: EtcdKeepAlive;
  disposal: LeaseDisposal;
  catalog: Catalog;
  /** Whether no other write is under way. */
  isAlone: () => boolean;
}

type Draft = Omit<StoredInstance, 'createRevision' | 'modRevision'>;

const isWritten = (outcome: Written | Seen): outcome is Written => 'instance' in outcome;

/**
 * Writes instances to etcd, each under a lease of its own. A write compares the key with what was
 * read before, so concurrent writers, in this process or in another, do not overwrite each other.
 */
export class EtcdWriter {
  readonly #client: EtcdClient;
  readonly #keepAlive: EtcdKeepAlive;
  readonly #disposal: LeaseDisposal;
  readonly #catalog: Catalog;
  readonly #isAlone: () => boolean;
  readonly #puts: PutQueue;

  constructor({ client, keepAlive, disposal, catalog, isAlone }: EtcdWriterOptions) {
    this.#client = client;
    this.#keepAlive = keepAlive;
    this.#disposal = disposal;
    this.#catalog = catalog;
    this.#isAlone = isAlone;
    this.#puts = new PutQueue((puts) => client.putEachIf(puts));
  }

  /** See `Store.register`. */
  async register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    const { service, id } = description;
    const key = instanceKey(service, id);
    /** Taken for this instance; nothing hangs on it yet. */
    let spare: TakenLease | undefined;
    /**
     * The lease of the record that is there, if the record has to move to another lease: it has
     * ended, and etcd may take long to revoke it. Or this replica does not know it: then another
     * replica may have written the record without an answer, failed the registration, and be about
     * to revoke the lease.
     */
    let leftLeaseId: bigint | undefined;
    let seen = await this.#assume(service, id, (existing) => existing === undefined);
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const plan = planRegistration(this.#staying(seen), description, new Date());
        if (plan.kind === 'renew' && plan.instance.leaseId !== leftLeaseId) {
          const { instance, isChanged } = plan;
          const { leaseId } = instance;
          const [seconds] = this.#keepAlive.isKnown(leaseId)
            ? await this.#keepAlive.renew([leaseId])
            : [0];
          if (!seconds) {
            leftLeaseId = leaseId;
            continue;
          }
          if (!isChanged) return { instance, revision: seen.revision };
          const outcome = await this.#write(key, seen, instance);
          if (isWritten(outcome)) return outcome;
          seen = outcome;
          continue;
        }
        spare ??= this.#grant(ttlSeconds);
        const { leaseId, granted } = spare;
        // With nothing else to do etcd gets the record a turn after the lease, not when it has
        // granted it.
        const isAhead = this.#isAlone() && attempt === 1;
        const seconds = await (isAhead ? setImmediate(ttlSeconds) : granted);
        const lease = { leaseId, ttlSeconds: seconds };
        const described =
          plan.kind === 'renew'
            ? plan.instance
            : { ...plan.description, health: Health.HEALTH_UNSPECIFIED };
        const draft = { ...described, ...lease };
        const outcome = await this.#write(key, seen, draft, granted);
        if (isWritten(outcome)) {
          // A record under the lease shows that the lease was granted, even if that answer was
          // lost.
          this.#keepAlive.noteAlive(leaseId, seconds, spare.askedMs);
          spare = undefined;
          const { existing } = seen;
          if (existing !== undefined) this.#disposal.giveUp(existing.leaseId, existing.ttlSeconds);
          return this.#corrected(key, outcome, granted);
        }
        if (outcome.isLeaseLost) spare = undefined;
        seen = outcome;
      }
    } finally {
      // A write that failed may have reached etcd all the same. The end of its lease removes the record.
      if (spare !== undefined) this.#disposal.giveUp(spare.leaseId, ttlSeconds, spare.granted);
    }
    throw this.#contended(service, id);
  }

  /** See `Store.update`. */
  async update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
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

  /** See `Store.deregister`. */
  async deregister({ service, id, leaseId }: InstanceReference) {
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
      // Another writer removed or replaced the record after it was read.
      const { revision: seenAt } = await this.#client.get(key);
      return { removed: false, revision: seenAt };
    }
    return { removed: true, revision: removedAt };
  }

  /** See `Store.setHealth`. */
  async setHealth(instance: StoredInstance, health: Health): Promise<boolean> {
    const { service, id, modRevision, createRevision } = instance;
    const seen = { existing: instance, modRevision, createRevision, revision: modRevision };
    return isWritten(await this.#write(instanceKey(service, id), seen, { ...instance, health }));
  }

  /**
   * Returns the record of a key from the catalog if `willDo` accepts it, else from etcd. The catalog
   * may be behind. The caller must therefore write afterwards: a write compares with etcd.
   */
  async #assume(
    service: string,
    id: string,
    willDo: (existing: StoredInstance | undefined) => boolean,
  ): Promise<Seen> {
    const existing = this.#catalog.get(service, id);
    if (this.#catalog.isStale || !willDo(existing)) return this.#read(instanceKey(service, id));
    const { modRevision = 0n, createRevision = 0n } = existing ?? {};
    return { existing, modRevision, createRevision, revision: this.#catalog.revision };
  }

  /**
   * The record of a key, unless a failed registration wrote it and it is about to be removed with its
   * lease.
   */
  #staying({ existing }: Seen): StoredInstance | undefined {
    return existing && this.#disposal.has(existing.leaseId) ? undefined : existing;
  }

  async #read(key: string): Promise<Seen> {
    const { found, revision } = await this.#client.get(key);
    return seenAs(found, revision);
  }

  #grant(wantedSeconds: number): TakenLease {
    const leaseId = newLeaseId();
    const askedMs = performance.now();
    const granted = this.#client.grant(leaseId, wantedSeconds);
    granted.then(
      (seconds) => this.#keepAlive.noteAlive(leaseId, seconds, askedMs),
      // Whoever wants to know waits for it.
      () => {},
    );
    return { leaseId, granted, askedMs };
  }

  /**
   * Writes the record again if etcd granted a longer TTL than the one in the record. If that fails,
   * the record stays as it is.
   */
  async #corrected(key: string, written: Written, granted: Promise<number>): Promise<Written> {
    const { instance, revision } = written;
    // A record under the lease shows that etcd granted the lease, even if that answer was lost.
    const ttlSeconds = await granted.catch(() => instance.ttlSeconds);
    if (instance.ttlSeconds === ttlSeconds) return written;
    const { modRevision, createRevision } = instance;
    const seen = { existing: instance, modRevision, createRevision, revision };
    const longer = { ...instance, ttlSeconds };
    const outcome = await this.#write(key, seen, longer).catch(() => written);
    return isWritten(outcome) ? outcome : written;
  }

  /**
   * Writes a record if its key has not changed since `seen`.
   * @param granted the grant of its lease, if that is under way: the write is repeated after the grant
   * if it reached etcd first
   * @returns the key as it is now if it has changed, or if the lease is lost
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
      // If the first answer was lost, the same write on another member finds its own record.
      const isOwn = found?.leaseId === leaseId && found.value === value;
      if (!isOwn) return seenAs(found, revision);
      revision = found.modRevision;
    }
    const createRevision = seen.createRevision || revision;
    return { instance: { ...draft, createRevision, modRevision: revision }, revision };
  }

  #contended(service: string, id: string): StoreError {
    return new StoreError('unavailable', `instance '${id}' of '${service}' changes too often`, {
      metadata: { service, id },
    });
  }
}
