import type { Event } from '@weft/proto/telemetry';

/** An event before it has its place. */
export type NewEvent = Omit<Event, 'sequence'>;

/** The latest events of the mesh as this registry learnt of them, numbered from 1. Bounded. */
export class EventBook {
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  #events: Event[] = [];
  #sequence = 0n;

  /** @param limit events held; the oldest go first */
  constructor(limit = 2000) {
    this.#limit = limit;
  }

  add(events: readonly NewEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) {
      this.#sequence += 1n;
      this.#events.push({ ...event, sequence: this.#sequence });
    }
    // Trimmed by halves, so that each event is moved about once.
    if (this.#events.length > 2 * this.#limit) this.#events = this.#events.slice(-this.#limit);
    for (const listener of this.#listeners) listener();
  }

  /** The sequence number of the newest; 0 before the first. */
  get latest(): bigint {
    return this.#sequence;
  }

  /** Events after a sequence number, oldest first; of those no longer held none. */
  after(sequence: bigint): Event[] {
    const count = Math.min(Number(this.#sequence - sequence), this.#limit);
    return count > 0 ? this.#events.slice(-count) : [];
  }

  /** Calls `listener` when there are new ones; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
