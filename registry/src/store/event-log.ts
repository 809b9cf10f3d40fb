import type { EventType } from '@weft/proto/registry';
import type { StoredInstance } from './stored-instance.ts';

/** One change of the catalog. */
export interface StoreEvent {
  readonly type: typeof EventType.EVENT_TYPE_PUT | typeof EventType.EVENT_TYPE_DELETE;
  /** As stored now for a put, as last known for a delete. */
  readonly instance: StoredInstance;
  readonly revision: bigint;
}

/** The latest changes in revision order, at most `limit` of them, never part of a revision. */
export class EventLog {
  readonly #limit: number;
  #events: StoreEvent[] = [];
  #floor = 0n;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Forgets everything: what came up to `revision` is no longer held. */
  reset(revision: bigint): void {
    this.#events = [];
    this.#floor = revision;
  }

  /** Adds changes, in revision order and later than all before. */
  append(events: readonly StoreEvent[]): void {
    for (const event of events) this.#events.push(event);
    // Trimmed in bulk, so that an append costs the same on average however long the log is.
    if (this.#events.length > this.#limit * 2) this.#trim();
  }

  /** The changes after `revision`, or undefined when some of them are no longer held (compacted). */
  since(revision: bigint): readonly StoreEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    return this.#events.slice(this.#firstAfter(revision));
  }

  #trim(): void {
    const dropped = this.#events.at(-this.#limit - 1);
    if (dropped === undefined) return;
    this.#floor = dropped.revision;
    this.#events = this.#events.slice(this.#firstAfter(this.#floor));
  }

  #firstAfter(revision: bigint): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle];
      if (event !== undefined && event.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
