import type { EventType } from '@weft/proto/registry';
import type { StoredInstance } from './stored-instance.ts';

/** One change of the catalog. */
export interface StoreEvent {
  readonly type: typeof EventType.EVENT_TYPE_PUT | typeof EventType.EVENT_TYPE_DELETE;
  /** As stored now for a put, as last known for a delete. */
  readonly instance: StoredInstance;
  readonly revision: bigint;
}

/** Gaps kept; the oldest is given up with what came before it. */
const MAX_GAPS = 1000;

/** The latest changes in revision order, at most `limit` of them, never part of a revision. */
export class EventLog {
  readonly #limit: number;
  #events: StoreEvent[] = [];
  #floor = 0n;
  #gaps: { readonly from: bigint; readonly to: bigint }[] = [];

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Forgets everything: what came up to `revision` is no longer held. */
  reset(revision: bigint): void {
    this.#events = [];
    this.#gaps = [];
    this.#floor = revision;
  }

  /**
   * Of what happened from one revision to another only the difference is known. Whoever has seen a
   * part of it, as another replica told it, cannot go on here: what came and went is not in it.
   */
  skip(from: bigint, to: bigint): void {
    if (to - from < 2n) return;
    this.#gaps.push({ from, to });
    const dropped = this.#gaps.length > MAX_GAPS ? this.#gaps[0] : undefined;
    if (dropped !== undefined) this.#forget(dropped.to);
  }

  /** Adds changes, in revision order and later than all before. */
  append(events: readonly StoreEvent[]): void {
    for (const event of events) this.#events.push(event);
    // Trimmed in bulk, so that an append costs the same on average however long the log is.
    if (this.#events.length > this.#limit * 2) this.#trim();
  }

  /** The changes after `revision`, or undefined when some of them are not held (compacted, or never known). */
  since(revision: bigint): readonly StoreEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    if (this.#gaps.some(({ from, to }) => from < revision && revision < to)) return undefined;
    return this.#events.slice(this.#firstAfter(revision));
  }

  #trim(): void {
    const dropped = this.#events.at(-this.#limit - 1);
    if (dropped === undefined) return;
    this.#forget(dropped.revision);
  }

  #forget(revision: bigint): void {
    this.#floor = revision;
    this.#events = this.#events.slice(this.#firstAfter(revision));
    this.#gaps = this.#gaps.filter(({ to }) => to > revision);
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
