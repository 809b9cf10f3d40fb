import { SnapshotParts } from '@weft/proto';
import {
  EventType,
  type Instance,
  type WatchRequest,
  type WatchResponse,
} from '@weft/proto/registry';

/** What became of an instance: listed already when the watch began, new, changed, or gone. */
export interface InstanceChange {
  readonly kind: 'LISTED' | 'ADDED' | 'CHANGED' | 'REMOVED';
  /** As it is now, or was when it went. */
  readonly instance: Instance;
  /** As it was, of a change. */
  readonly before?: Instance;
}

const keyOf = ({ service, id }: Instance) => `${service}/${id}`;

/**
 * The instances that a watch tells of, over any number of streams: what a new snapshot changes comes
 * out as changes, too. Pure.
 */
export class InstanceSet {
  #instances = new Map<string, Instance>();
  #parts = new SnapshotParts();
  #revision: bigint | undefined;
  #history = '';
  #isFilled = false;

  /** From where a watch goes on, as it is asked for; nothing where a snapshot has to come first. */
  get resumption(): Pick<WatchRequest, 'fromRevision' | 'history'> {
    if (this.#revision === undefined) return { history: '' };
    return { fromRevision: this.#revision, history: this.#history };
  }

  get all(): Instance[] {
    return [...this.#instances.values()];
  }

  /** The registry has begun anew: the next stream begins with a snapshot. */
  forgetRevision(): void {
    this.#revision = undefined;
  }

  /** Takes a message; `isFirst` of its stream. Answers what it changes. */
  take(message: WatchResponse, isFirst: boolean): InstanceChange[] {
    if (isFirst) this.#parts = new SnapshotParts();
    const whole = this.#parts.join(message);
    if (whole === undefined) return [];
    const { snapshot, events, progress } = whole;
    if (snapshot !== undefined) {
      this.#revision = snapshot.revision;
      this.#history = snapshot.history;
      return this.#replace(snapshot.instances);
    }
    this.#revision = events?.revision ?? progress?.revision ?? this.#revision;
    return (events?.events ?? []).flatMap(({ type, instance }) =>
      instance === undefined ? [] : this.#change(type === EventType.EVENT_TYPE_DELETE, instance),
    );
  }

  #replace(instances: readonly Instance[]): InstanceChange[] {
    const present = new Set(instances.map(keyOf));
    const gone = this.all.filter((instance) => !present.has(keyOf(instance)));
    const isFirst = !this.#isFilled;
    this.#isFilled = true;
    return [
      ...gone.flatMap((instance) => this.#change(true, instance)),
      ...instances.flatMap((instance) => this.#change(false, instance, isFirst)),
    ];
  }

  #change(isDelete: boolean, instance: Instance, isListed = false): InstanceChange[] {
    const key = keyOf(instance);
    const before = this.#instances.get(key);
    if (isDelete) {
      return this.#instances.delete(key) ? [{ kind: 'REMOVED', instance }] : [];
    }
    this.#instances.set(key, instance);
    if (before === undefined) return [{ kind: isListed ? 'LISTED' : 'ADDED', instance }];
    const isSame =
      before.modRevision === instance.modRevision && before.leaseId === instance.leaseId;
    return isSame ? [] : [{ kind: 'CHANGED', instance, before }];
  }
}
