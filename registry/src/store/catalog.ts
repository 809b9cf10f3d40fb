import { EventType } from '@weft/proto/registry';
import { EventLog, type StoreEvent } from './event-log.ts';
import { SortedList } from './sorted-list.ts';
import type { StoredInstance } from './stored-instance.ts';

/** Changes, and each instance as it was before its change; undefined for one that was not there. */
export interface CatalogChanges {
  readonly events: readonly StoreEvent[];
  readonly before: readonly (StoredInstance | undefined)[];
}

/**
 * What happened to a catalog: changes; a new set that does not continue the old, with what differs
 * from it (nothing, when it is the first); staleness flipped.
 */
export type CatalogNotice =
  | ({ kind: 'events' } & CatalogChanges)
  | ({ kind: 'reset' } & CatalogChanges)
  | { kind: 'stale' };

interface Waiter {
  revision: bigint;
  resolve: (reached: boolean) => void;
}

const nameOf = (name: string) => name;
const idOf = ({ id }: StoredInstance) => id;
const NONE: readonly StoredInstance[] = [];

/**
 * Every instance, in memory, by service, at one revision, with the latest changes that led there.
 * Answers are immutable and sorted. Listeners are told of each change before `apply` returns, so
 * reading and subscribing in one turn misses nothing.
 */
export class Catalog {
  readonly #services = new Map<string, SortedList<StoredInstance>>();
  readonly #names = new SortedList<string>(nameOf);
  readonly #byLease = new Map<bigint, StoredInstance>();
  readonly #listeners = new Set<(notice: CatalogNotice) => void>();
  readonly #waiters = new Set<Waiter>();
  readonly #log: EventLog;
  readonly #completed = Promise.withResolvers<void>();
  #size = 0;
  #revision = 0n;
  #history = '';
  #isComplete = false;
  #isStale = true;

  constructor(options: { eventLimit?: number } = {}) {
    this.#log = new EventLog(options.eventLimit);
  }

  get revision(): bigint {
    return this.#revision;
  }

  /** Names the history of the store that the revisions are of; empty where it has no name. */
  get history(): string {
    return this.#history;
  }

  /** Whether it was filled once; until then it must not be read. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Resolves once it was filled. */
  get completed(): Promise<void> {
    return this.#completed.promise;
  }

  /** Whether the store is away, so that this may be behind. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Names of the services that have an instance, sorted. */
  get services(): readonly string[] {
    return this.#names.items;
  }

  /** The same from a name on, at no cost for those before; to be read within one turn. */
  servicesFrom(name: string): Iterable<string> {
    return this.#names.from(name);
  }

  /** The instances of a service by id; none when it has none. */
  instances(service: string): readonly StoredInstance[] {
    return this.#services.get(service)?.items ?? NONE;
  }

  /** How many instances there are. */
  get size(): number {
    return this.#size;
  }

  get(service: string, id: string): StoredInstance | undefined {
    return this.#services.get(service)?.get(id);
  }

  /** The instance that lives by a lease. */
  ofLease(leaseId: bigint): StoredInstance | undefined {
    return this.#byLease.get(leaseId);
  }

  /** The changes after `revision`; undefined when some are no longer held. */
  eventsSince(revision: bigint): readonly StoreEvent[] | undefined {
    return this.#log.since(revision);
  }

  /** Tells `listener` of every change from now on; the answer ends that. */
  subscribe(listener: (notice: CatalogNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes changes in revision order; those not newer than the catalog are known already. */
  apply(events: readonly StoreEvent[]): void {
    const fresh = events.filter(({ revision }) => revision > this.#revision);
    const last = fresh.at(-1);
    if (last === undefined) return;
    const before = fresh.map((event) => this.#change(event));
    this.#log.append(fresh);
    this.#advance(last.revision);
    this.#tell({ kind: 'events', events: fresh, before });
  }

  /**
   * Takes a complete set at `revision`. What differs is told as changes at that revision, or as a
   * new set: the first time, of another `history` (a store that began anew), and at the revision
   * held.
   */
  replace(
    instances: Iterable<StoredInstance>,
    revision: bigint,
    history: string = this.#history,
  ): void {
    // The first time there is nothing to compare with.
    const events = this.#isComplete ? this.#difference(instances, revision) : [];
    const isNew = history !== this.#history || !this.#isComplete;
    if (!isNew && events.length === 0) {
      this.skipTo(revision);
    } else if (!isNew && revision > this.#revision) {
      this.#log.skip(this.#revision, revision);
      this.apply(events);
    } else {
      if (!this.#isComplete) for (const instance of instances) this.#put(instance, true);
      const changes = { events, before: events.map((event) => this.#change(event)) };
      // What a repair changes has no revision of its own: whoever goes on after this one missed it.
      this.#log.reset(isNew ? revision : revision + 1n);
      this.#isComplete = true;
      this.#history = history;
      this.#advance(revision);
      this.#tell({ kind: 'reset', ...changes });
      this.#completed.resolve();
    }
  }

  /** Nothing has changed up to `revision`. */
  advance(revision: bigint): void {
    if (revision > this.#revision) this.#advance(revision);
  }

  /** The set at `revision` is the same; what came and went in between is not known. */
  skipTo(revision: bigint): void {
    if (revision <= this.#revision) return;
    this.#log.skip(this.#revision, revision);
    this.#advance(revision);
  }

  /**
   * The way to the set at this revision is not the one that was told: instances came and went on
   * it. Watches get a snapshot, and no watch can go on from an earlier revision.
   */
  retell(): void {
    this.#log.reset(this.#revision);
    this.#tell({ kind: 'reset', events: [], before: [] });
  }

  setStale(isStale: boolean): void {
    if (isStale === this.#isStale) return;
    this.#isStale = isStale;
    this.#tell({ kind: 'stale' });
  }

  /** Whether the catalog comes to `revision` within `withinMs`. */
  reached(revision: bigint, withinMs: number): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.resolve(false), withinMs);
      const waiter: Waiter = {
        revision,
        resolve: (isReached) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(isReached);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #difference(instances: Iterable<StoredInstance>, revision: bigint): StoreEvent[] {
    const events: StoreEvent[] = [];
    const present = new Set<StoredInstance>();
    for (const instance of instances) {
      const known = this.get(instance.service, instance.id);
      if (known !== undefined) present.add(known);
      if (known?.modRevision === instance.modRevision && known.leaseId === instance.leaseId)
        continue;
      events.push({ type: EventType.EVENT_TYPE_PUT, instance, revision });
    }
    for (const { items } of this.#services.values()) {
      for (const instance of items) {
        if (present.has(instance)) continue;
        events.push({ type: EventType.EVENT_TYPE_DELETE, instance, revision });
      }
    }
    return events;
  }

  /** Answers the instance as it was. */
  #change({ type, instance }: StoreEvent): StoredInstance | undefined {
    const before = this.get(instance.service, instance.id);
    if (before !== undefined) this.#byLease.delete(before.leaseId);
    if (type === EventType.EVENT_TYPE_PUT) this.#put(instance, before === undefined);
    else if (before !== undefined) this.#delete(before);
    return before;
  }

  #put(instance: StoredInstance, isNew: boolean): void {
    const { service } = instance;
    this.#byLease.set(instance.leaseId, instance);
    let known = this.#services.get(service);
    if (known === undefined) {
      known = new SortedList(idOf);
      this.#services.set(service, known);
      this.#names.put(service);
    }
    known.put(instance);
    if (isNew) this.#size += 1;
  }

  #delete({ service, id }: StoredInstance): void {
    const known = this.#services.get(service);
    known?.delete(id);
    this.#size -= 1;
    if (known?.size !== 0) return;
    this.#services.delete(service);
    this.#names.delete(service);
  }

  #advance(revision: bigint): void {
    this.#revision = revision;
    for (const waiter of this.#waiters) {
      if (revision >= waiter.revision) waiter.resolve(true);
    }
  }

  #tell(notice: CatalogNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }
}
