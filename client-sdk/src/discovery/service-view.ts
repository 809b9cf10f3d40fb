import { EventType, type Instance, type WatchResponse } from '@weft/proto/registry';

/**
 * The instances of one service as a watch tells them. Pure: fed with responses, read as a list.
 * An instance that did not change stays the same object, so that a reader can tell.
 */
export class ServiceView {
  readonly #instances = new Map<string, Instance>();
  #revision: bigint | undefined;
  #isStoreAway = false;

  /** Revision up to which it is complete; undefined before the first snapshot. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /** The next response has to be a snapshot: the revisions of another store mean nothing here. */
  forgetRevision(): void {
    this.#revision = undefined;
  }

  /** Whether the registry said that it has lost its store. */
  get isStoreAway(): boolean {
    return this.#isStoreAway;
  }

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  get size(): number {
    return this.#instances.size;
  }

  /** Takes over one response. Answers whether anything but the revision changed. */
  apply({ snapshot, events, progress, stale }: WatchResponse): boolean {
    let isChanged = this.#isStoreAway !== stale || this.#revision === undefined;
    this.#isStoreAway = stale;
    if (snapshot !== undefined) {
      isChanged = this.#replaceAll(snapshot.instances) || isChanged;
      this.#revision = snapshot.revision;
    }
    for (const { type, instance } of events?.events ?? []) {
      if (instance === undefined) continue;
      if (type === EventType.EVENT_TYPE_DELETE) this.#instances.delete(instance.id);
      else this.#instances.set(instance.id, instance);
      isChanged = true;
    }
    this.#revision = events?.revision ?? progress?.revision ?? this.#revision;
    return isChanged;
  }

  #replaceAll(instances: readonly Instance[]): boolean {
    const before = new Map(this.#instances);
    const isSameStore = this.#revision !== undefined;
    this.#instances.clear();
    let isChanged = before.size !== instances.length;
    for (const instance of instances) {
      const known = before.get(instance.id);
      const isSame = isSameStore && known?.modRevision === instance.modRevision;
      this.#instances.set(instance.id, isSame ? known : instance);
      isChanged ||= !isSame;
    }
    return isChanged;
  }
}
