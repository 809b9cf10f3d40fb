import { randomUUID } from 'node:crypto';
import { EventType, Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { Catalog } from './catalog.ts';
import type { StoreEvent } from './event-log.ts';
import { FeedStats } from './feed-stats.ts';
import { newLeaseId } from './lease-id.ts';
import { LeaseTable } from './lease-table.ts';
import { planRegistration } from './registration-plan.ts';
import type { Replica, ReplicaList } from './replica-list.ts';
import type { InstanceChange, InstanceReference, Store, Written } from './store.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';

const SWEEP_MS = 200;

/** Keeps everything in this process, for development: what it holds goes with it. */
export class MemoryStore implements Store {
  readonly catalog: Catalog;
  readonly stats = new FeedStats();
  readonly #leases = new LeaseTable<StoredInstance>();
  readonly #sweeper: NodeJS.Timeout;
  #sweptAtMs = performance.now();

  constructor(options: { eventLimit?: number } = {}) {
    this.catalog = new Catalog(options);
    // Later than every revision of a process before this one: whoever comes back from that one with no
    // more than a revision asks for one no longer held, and gets a new snapshot.
    this.catalog.replace([], BigInt(Date.now()), randomUUID());
    this.catalog.setStale(false);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  async register(description: InstanceDescription, ttlSeconds: number): Promise<Written> {
    this.#sweep();
    const existing = this.catalog.get(description.service, description.id);
    const plan = planRegistration(existing, description, new Date());
    if (plan.kind === 'renew') {
      this.#leases.renew(plan.instance.leaseId);
      return plan.isChanged ? this.#put(plan.instance) : this.#unchanged(plan.instance);
    }
    if (plan.kind === 'replace') this.#leases.revoke(plan.oldLeaseId);
    const written = this.#put({
      ...plan.description,
      leaseId: newLeaseId(),
      ttlSeconds,
      health: Health.HEALTH_UNSPECIFIED,
      createRevision: existing?.createRevision ?? 0n,
      modRevision: 0n,
    });
    this.#leases.grant(written.instance.leaseId, ttlSeconds, written.instance);
    return written;
  }

  async keepAlive(leaseIds: readonly bigint[]): Promise<number[]> {
    return leaseIds.map((id) => this.#leases.renew(id));
  }

  async isLeaseAlive(leaseId: bigint): Promise<boolean> {
    return this.#leases.has(leaseId);
  }

  async update(reference: InstanceReference, change: InstanceChange): Promise<Written> {
    this.#sweep();
    const { service, id, leaseId } = reference;
    const existing = this.catalog.get(service, id);
    const metadata = { service, id };
    if (existing === undefined) {
      throw new StoreError('not-found', `instance '${id}' of '${service}' is not there`, {
        metadata,
      });
    }
    if (leaseId !== 0n && leaseId !== existing.leaseId) {
      throw new StoreError('superseded', `instance '${id}' of '${service}' has another lease now`, {
        metadata,
      });
    }
    return this.#put({
      ...existing,
      status: change.status ?? existing.status,
      weight: change.weight ?? existing.weight,
      metadata: change.metadata ?? existing.metadata,
    });
  }

  async deregister({ service, id, leaseId }: InstanceReference) {
    this.#sweep();
    const existing = this.catalog.get(service, id);
    if (existing === undefined || (leaseId !== 0n && leaseId !== existing.leaseId)) {
      return { removed: false, revision: this.catalog.revision };
    }
    this.#leases.revoke(existing.leaseId);
    this.#delete([existing]);
    return { removed: true, revision: this.catalog.revision };
  }

  async setHealth(instance: StoredInstance, health: Health): Promise<boolean> {
    this.#sweep();
    const { service, id, modRevision } = instance;
    if (this.catalog.get(service, id)?.modRevision !== modRevision) return false;
    this.#put({ ...instance, health });
    return true;
  }

  join(self: Replica, replicas: ReplicaList): void {
    replicas.set([self]);
  }

  async refreshReplicas(): Promise<void> {}

  async entered(): Promise<void> {}

  async latestRevision(): Promise<bigint> {
    return this.catalog.revision;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
  }

  #unchanged(instance: StoredInstance): Written {
    return { instance, revision: this.catalog.revision };
  }

  #put(described: StoredInstance): Written {
    const revision = this.catalog.revision + 1n;
    const createRevision = described.createRevision || revision;
    const instance = { ...described, createRevision, modRevision: revision };
    this.catalog.apply([{ type: EventType.EVENT_TYPE_PUT, instance, revision }]);
    return { instance, revision };
  }

  #delete(instances: readonly StoredInstance[]): void {
    let revision = this.catalog.revision;
    const events = instances.map((instance): StoreEvent => {
      revision += 1n;
      return { type: EventType.EVENT_TYPE_DELETE, instance, revision };
    });
    this.catalog.apply(events);
  }

  #sweep(): void {
    const now = performance.now();
    const pausedMs = now - this.#sweptAtMs - SWEEP_MS;
    this.#sweptAtMs = now;
    // This process stood still: renewals wait unread, and the time was nobody's fault.
    if (pausedMs > 1000) this.#leases.postpone(pausedMs);
    const expired = this.#leases.expire();
    if (expired.length > 0) this.#delete(expired.map((owner) => this.#current(owner)));
  }

  /** The instance as it stands: updates since its registration keep the lease. */
  #current(registered: StoredInstance): StoredInstance {
    return this.catalog.get(registered.service, registered.id) ?? registered;
  }
}
