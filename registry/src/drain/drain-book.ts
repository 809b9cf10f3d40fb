import {
  type DrainHolder,
  type Event,
  EventType,
  Health,
  InstanceStatus,
  type WatchResponse,
} from '@weft/proto/registry';

/** A watch as its client asks for it. */
export interface WatchTerms {
  /** Who watches, for people. */
  client: string;
  /** Names it in acknowledgements; empty: it makes none. */
  watchId: string;
  /** Whom it follows; undefined for all. */
  services: ReadonlySet<string> | undefined;
  /** The revision it goes on from; undefined for one that knows nothing yet. */
  fromRevision: bigint | undefined;
}

/** A watch in the book, until disposed of. */
export interface BookedWatch extends Disposable {
  /** Takes note of a response about to be sent. Answers whether it has to be acknowledged. */
  sending(response: WatchResponse): boolean;
}

/** Whether an event takes an instance out of the calls. */
function takesOut({ type, instance }: Event): boolean {
  return (
    type === EventType.EVENT_TYPE_DELETE ||
    instance?.status !== InstanceStatus.INSTANCE_STATUS_RUNNING ||
    instance.health === Health.HEALTH_NOT_SERVING
  );
}

interface Entry {
  readonly terms: WatchTerms;
  /** It routes by this revision or a later one. */
  revision: bigint;
}

const inert: BookedWatch = { sending: () => false, [Symbol.dispose]() {} };

/**
 * By which revision the clients of this replica route their calls, as far as they have said: who went on
 * after a revision, or has acknowledged it, routes by nothing older.
 */
export class DrainBook {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();

  /** Watches that are counted. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Enters a watch that begins now.
   * @param revision what the catalog is at: who knows nothing yet will not route by anything older
   */
  open(terms: WatchTerms, revision: bigint): BookedWatch {
    const { watchId } = terms;
    if (watchId === '') return inert;
    // Another under the same name is the same watch, opened again before its loss was noticed.
    const entry: Entry = { terms, revision: terms.fromRevision ?? revision };
    this.#entries.set(watchId, entry);
    let knowsNothing = terms.fromRevision === undefined;
    this.#tell();
    return {
      sending: ({ snapshot, events }) => {
        if (snapshot === undefined) return events?.events.some(takesOut) ?? false;
        if (snapshot.more || !knowsNothing) return !snapshot.more;
        knowsNothing = false;
        this.#advance(entry, snapshot.revision);
        return false;
      },
      [Symbol.dispose]: () => {
        if (this.#entries.get(watchId) !== entry) return;
        this.#entries.delete(watchId);
        this.#tell();
      },
    };
  }

  /** The client of a watch routes by `revision`. Answers whether there is such a watch. */
  acknowledge(watchId: string, revision: bigint): boolean {
    const entry = this.#entries.get(watchId);
    if (entry !== undefined) this.#advance(entry, revision);
    return entry !== undefined;
  }

  /** Who may still route calls to `service` by something older than `revision`. */
  holders(service: string, revision: bigint): DrainHolder[] {
    const holders: DrainHolder[] = [];
    for (const { terms, revision: acknowledged } of this.#entries.values()) {
      const { client, watchId, services } = terms;
      if (acknowledged >= revision || services?.has(service) === false) continue;
      holders.push({ client: client || `watch ${watchId}`, revision: acknowledged });
    }
    return holders;
  }

  /** Tells `listener` of every change from now on; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #advance(entry: Entry, revision: bigint): void {
    if (revision <= entry.revision) return;
    entry.revision = revision;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
