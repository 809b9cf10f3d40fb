import { type Log, silentLog } from '@weft/proto';
import { Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { Catalog } from './catalog.ts';
import { EtcdClient } from './etcd-client.ts';
import { EtcdFeed, type EtcdFeedOptions } from './etcd-feed.ts';
import { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { instanceKey, SERVICES_PREFIX } from './etcd-keys.ts';
import { decodeRecord } from './etcd-record.ts';
import { encodeInstance } from './instance-json.ts';
import { LeaseDisposal } from './lease-disposal.ts';
import { newLeaseId } from './lease-id.ts';
import { planRegistration } from './registration-plan.ts';
import type { InstanceChange, InstanceReference, Store, Written } from './store.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';
import { WriteQueue } from './write-queue.ts';

/** How often a write is tried again when someone else changed the key in between. */
const ATTEMPTS = 5;
/** Writes under way at once; each is some calls, one after the other. */
const WRITES = 64;
/** How long a write that is done waits for the catalog to show it. */
const VISIBLE_MS = 500;

export interface EtcdStoreOptions
  extends Pick<EtcdFeedOptions, 'checkMs' | 'auditMs' | 'confirmMs'> {
  /** `host:port` of each member. */
  endpoints: readonly string[];
  /** Default: silent. */
  log?: Log;
  /** Changes kept for watchers that come back. Default 10,000. */
  eventLimit?: number;
}

type Draft = Omit<StoredInstance, 'createRevision' | 'modRevision'>;

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
  readonly #writes = new WriteQueue({ limit: WRITES, isAway: () => this.catalog.isStale });

  /** Begins to read etcd at once, and goes on trying while it is away. */
  constructor({ endpoints, log = silentLog, eventLimit, ...feed }: EtcdStoreOptions) {
    this.catalog = new Catalog({ eventLimit });
    this.#client = new EtcdClient(endpoints);
    this.#keepAlive = new EtcdKeepAlive(this.#client);
    this.#disposal = new LeaseDisposal(this.#client, log);
    this.#feed = new EtcdFeed({ ...feed, client: this.#client, catalog: this.catalog, log });
    this.#feed.start();
  }

  async register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    return this.#visible(await this.#writes.run(() => this.#register(description, ttlSeconds)));
  }

  async #register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    const { service, id } = description;
    const key = instanceKey(service, id);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { existing, createRevision, modRevision, revision } = await this.#read(key);
      const plan = planRegistration(existing, description, new Date());
      if (plan.kind === 'renew') {
        const { instance, isChanged } = plan;
        const [seconds] = await this.#keepAlive.renew([instance.leaseId]);
        if (!seconds) continue;
        if (!isChanged) return { instance, revision };
        const written = await this.#write(key, modRevision, instance, instance.createRevision);
        if (written !== undefined) return written;
        continue;
      }
      const health = Health.HEALTH_UNSPECIFIED;
      const draft = { ...plan.description, health, ttlSeconds, leaseId: newLeaseId() };
      const written = await this.#writeUnderNewLease(key, modRevision, draft, createRevision);
      if (written === undefined) continue;
      if (existing !== undefined) this.#disposal.giveUp(existing.leaseId, existing.ttlSeconds);
      return written;
    }
    throw this.#contended(service, id);
  }

  async keepAlive(leaseIds: readonly bigint[]): Promise<number[]> {
    const seconds = await this.#keepAlive.renew(leaseIds);
    return Promise.all(
      seconds.map(async (left, index) => {
        const leaseId = leaseIds[index] ?? 0n;
        return left === 0 || (await this.#isInUse(leaseId, left)) ? left : 0;
      }),
    );
  }

  async update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    return this.#visible(await this.#writes.run(() => this.#update(reference, change)));
  }

  async #update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    const { service, id, leaseId } = reference;
    const key = instanceKey(service, id);
    const metadata = { service, id };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { existing, modRevision } = await this.#read(key);
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
      const written = await this.#write(key, modRevision, changed, existing.createRevision);
      if (written !== undefined) return written;
    }
    throw this.#contended(service, id);
  }

  deregister(reference: InstanceReference) {
    return this.#writes.run(() => this.#deregister(reference));
  }

  async #deregister({ service, id, leaseId }: InstanceReference) {
    const key = instanceKey(service, id);
    const { revision, found } = await this.#client.get(key);
    const isOther = found !== undefined && leaseId !== 0n && leaseId !== found.leaseId;
    if (found === undefined || isOther) return { removed: false, revision };
    // The key goes with its lease, in one step; a successor's key hangs on another lease.
    const revoked =
      found.leaseId === 0n
        ? await this.#client.deleteIf(found.modRevision, key)
        : await this.#client.revoke(found.leaseId);
    if (revoked === undefined) return { removed: false, revision };
    await this.catalog.reached(revoked.revision, VISIBLE_MS);
    return { removed: true, revision: revoked.revision };
  }

  async latestRevision(): Promise<bigint> {
    const { revision } = await this.#client.get(SERVICES_PREFIX);
    return revision;
  }

  async close(): Promise<void> {
    await this.#feed.close();
    this.#keepAlive.close();
    await this.#disposal.close();
    this.#client.close();
  }

  /**
   * Whether a lease that lives has its instance. A key deleted or overwritten by hand leaves the lease:
   * its owner must come to know, and register again.
   */
  async #isInUse(leaseId: bigint, left: number): Promise<boolean> {
    const instance = this.catalog.ofLease(leaseId);
    const isListed = instance && !this.#feed.skips(instanceKey(instance.service, instance.id));
    if (isListed || (await this.#client.hasKeys(leaseId))) return true;
    this.#disposal.giveUp(leaseId, left);
    return false;
  }

  /** Who is at a key, and the revision to compare; a foreign value counts as no one, and is replaced. */
  async #read(key: string) {
    const { found, revision } = await this.#client.get(key);
    const modRevision = found?.modRevision ?? 0n;
    const at = { createRevision: found?.createRevision, modRevision, revision };
    if (found === undefined) return { ...at, existing: undefined };
    try {
      return { ...at, existing: decodeRecord(found) };
    } catch {
      return { ...at, existing: undefined };
    }
  }

  /** Takes a lease for a record and writes it. A lease without its record is given up again. */
  async #writeUnderNewLease(key: string, modRevision: bigint, draft: Draft, created?: bigint) {
    try {
      const ttlSeconds = await this.#client.grant(draft.leaseId, draft.ttlSeconds);
      const written = await this.#write(key, modRevision, { ...draft, ttlSeconds }, created);
      if (written === undefined) this.#disposal.giveUp(draft.leaseId, draft.ttlSeconds);
      return written;
    } catch (error) {
      // Whether it was granted, or even written, is not known; revoking undoes both.
      this.#disposal.giveUp(draft.leaseId, draft.ttlSeconds);
      throw error;
    }
  }

  /** Writes a record if its key is as it was read. Undefined when it is not, or its lease is gone. */
  async #write(
    key: string,
    expectedRevision: bigint,
    draft: Draft,
    created?: bigint,
  ): Promise<Written | undefined> {
    const { leaseId } = draft;
    const { outcome, revision } = await this.#client.putIf(expectedRevision, {
      key,
      value: encodeInstance(draft),
      leaseId,
    });
    if (outcome === 'lease-lost') return undefined;
    const at = outcome === 'written' ? revision : await this.#revisionOf(key, draft);
    if (at === undefined) return undefined;
    const instance = { ...draft, createRevision: created ?? at, modRevision: at };
    return { instance, revision: at };
  }

  /**
   * The revision of a record, if it is there after all: a write that is tried again on another member
   * finds the key changed by its own first attempt, whose answer was lost.
   */
  async #revisionOf(key: string, draft: Draft): Promise<bigint | undefined> {
    const { found } = await this.#client.get(key);
    const isOurs = found?.leaseId === draft.leaseId && found.value === encodeInstance(draft);
    return isOurs ? found.modRevision : undefined;
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
