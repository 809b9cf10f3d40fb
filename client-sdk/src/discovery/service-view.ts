import {
  EventType,
  type Instance,
  type WatchRequest,
  type WatchResponse,
} from '@weft/proto/registry';
import type { InstanceChanges } from './instance-changes.ts';

/**
 * The instances of one service as a watch tells them. Pure: fed with responses, read as a list.
 * An instance that did not change stays the same object, and a response costs what it changes.
 */
export class ServiceView {
  readonly #instances = new Map<string, Instance>();
  #revision: bigint | undefined;
  #history = '';
  #isStoreAway = false;

  /** Revision up to which it is complete; undefined before the first snapshot. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /** From where a watch goes on, as it is asked for; nothing where a snapshot has to come first. */
  get resumption(): Pick<WatchRequest, 'fromRevision' | 'history'> {
    if (this.#revision === undefined) return { history: '' };
    return { fromRevision: this.#revision, history: this.#history };
  }

  /** The next response has to be a snapshot: the revisions of another store mean nothing here. */
  forgetRevision(): void {
    this.#revision = undefined;
  }

  /** Whether the registry said that it has lost its store. */
  get isStoreAway(): boolean {
    return this.#isStoreAway;
  }

  /** A new list of all. */
  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  /**
   * Whether a response replaces what is known by the state of a store that began anew: a snapshot
   * of another history, or of an earlier revision. Any other snapshot continues what is known. The
   * registry sends one in place of changes if they are too many.
   */
  isReplacedBy({ snapshot }: WatchResponse): boolean {
    if (snapshot === undefined) return false;
    const { history, revision } = snapshot;
    const isSameHistory = history !== '' && history === this.#history;
    return this.#revision === undefined || !isSameHistory || revision < this.#revision;
  }

  /**
   * Takes over one response. Answers what it changed; undefined when nothing but the revision did.
   */
  apply({ snapshot, events, progress, stale }: WatchResponse): InstanceChanges | undefined {
    const isFirst = this.#revision === undefined;
    const isNews = this.#isStoreAway !== stale || isFirst;
    this.#isStoreAway = stale;
    const put: Instance[] = [];
    const removed: Instance[] = [];
    if (snapshot !== undefined) {
      this.#replaceAll(snapshot.instances, put, removed);
      this.#revision = snapshot.revision;
      this.#history = snapshot.history;
    }
    for (const { type, instance } of events?.events ?? []) {
      if (instance === undefined) continue;
      if (type === EventType.EVENT_TYPE_DELETE) this.#delete(instance.id, removed);
      else {
        this.#instances.set(instance.id, instance);
        put.push(instance);
      }
    }
    this.#revision = events?.revision ?? progress?.revision ?? this.#revision;
    if (!isNews && put.length === 0 && removed.length === 0) return undefined;
    const revision = this.#revision ?? 0n;
    return { isComplete: isFirst, put: this.#latest(put), removed, revision };
  }

  #delete(id: string, removed: Instance[]): void {
    const known = this.#instances.get(id);
    if (known === undefined) return;
    this.#instances.delete(id);
    removed.push(known);
  }

  #replaceAll(instances: readonly Instance[], put: Instance[], removed: Instance[]): void {
    const before = new Map(this.#instances);
    const isSameStore = this.#revision !== undefined;
    this.#instances.clear();
    for (const instance of instances) {
      const known = before.get(instance.id);
      before.delete(instance.id);
      // A store that began anew may come to the same revision again, by another lease.
      const isSame =
        isSameStore &&
        known?.modRevision === instance.modRevision &&
        known.leaseId === instance.leaseId;
      this.#instances.set(instance.id, isSame ? known : instance);
      if (!isSame) put.push(instance);
    }
    removed.push(...before.values());
  }

  /** Of several events of one instance the last: it may have come and gone within one response. */
  #latest(put: readonly Instance[]): Instance[] {
    return put.filter((instance) => this.#instances.get(instance.id) === instance);
  }
}
