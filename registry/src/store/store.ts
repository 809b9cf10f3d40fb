import type { Health, InstanceStatus } from '@weft/proto/registry';
import type { Catalog } from './catalog.ts';
import type { FeedStats } from './feed-stats.ts';
import type { Replica, ReplicaList } from './replica-list.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';

/** Who is meant: an instance, and the lease the caller believes it lives by (0n: whichever). */
export interface InstanceReference {
  service: string;
  id: string;
  leaseId: bigint;
}

/** What an update changes; absent stays. */
export interface InstanceChange {
  status?: InstanceStatus | undefined;
  weight?: number | undefined;
  metadata?: Map<string, string> | undefined;
}

/** An instance after a write, and the revision at which it is visible. */
export interface Written {
  instance: StoredInstance;
  revision: bigint;
}

/**
 * Where instances are kept. Reads go to `catalog` and never wait; writes answer once the catalog of
 * this store shows them (or a moment after, when it is slow to).
 *
 * Every write fails with StoreError `unavailable` within about 2 s when the store is away; it may
 * then have happened all the same, and can be repeated. With `no-space` when the store is full:
 * that has not happened, and what is listed stays and is renewed.
 */
export interface Store {
  /** What is known, current or stale. */
  readonly catalog: Catalog;

  /** What has happened between the store and the catalog. */
  readonly stats: Readonly<FeedStats>;

  /**
   * Lists an instance under a lease of `ttlSeconds`. The same incarnation keeps its lease, renewed,
   * if this store granted or renewed it before, else it gets a new one; what it says of itself
   * replaces what it said before. Another incarnation at the same address replaces the old one and
   * its lease.
   * @throws StoreError `conflict` when a live instance has the id at another address.
   */
  register(description: InstanceDescription, ttlSeconds: number): Promise<Written>;

  /** Renews leases. Answers the seconds each now has, in order; 0 for one unknown or expired. */
  keepAlive(leaseIds: readonly bigint[]): Promise<number[]>;

  /** Whether a lease has not ended. Does not renew the lease. */
  isLeaseAlive(leaseId: bigint): Promise<boolean>;

  /**
   * Changes an instance, and leaves its lease as it is.
   * @throws StoreError `not-found`; `superseded` when it lives by another lease.
   */
  update(reference: InstanceReference, change: InstanceChange): Promise<Written>;

  /**
   * Removes an instance and its lease; one not there, or living by another lease, is left alone.
   */
  deregister(reference: InstanceReference): Promise<{ removed: boolean; revision: bigint }>;

  /**
   * Notes what a health check found of an instance as it was read from the catalog. Answers whether
   * it was noted: not when the instance has changed since, or is gone; it is then left as it is.
   */
  setHealth(instance: StoredInstance, health: Health): Promise<boolean>;

  /** Makes a registry known to those that share this store until it is closed, and those to it. */
  join(self: Replica, replicas: ReplicaList): void;

  /** Brings the list given to `join` up to date at once; as it last was where the store is away. */
  refreshReplicas(): Promise<void>;

  /**
   * Waits until the others can know of the registry that has joined and the catalog is no older
   * than that, so that no drain can have missed it that is not over for whoever reads here from
   * then on. At most for `withinMs`, and not while a store that knew of it is away: what is known
   * is served anyhow.
   */
  entered(withinMs: number, signal: AbortSignal): Promise<void>;

  /** The newest revision there is, which the catalog may have yet to reach. */
  latestRevision(): Promise<bigint>;

  /** Stops; the instances stay listed where the store outlives the process. */
  close(): Promise<void>;
}
