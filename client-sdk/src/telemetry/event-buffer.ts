import { type Event, EventKind } from '@weft/proto/telemetry';
import type { BreakerState } from '../breaker/breaker.ts';
import type { InstanceEvent, MeshEvents } from '../mesh-events.ts';

const BREAKER_KINDS: Readonly<Record<BreakerState, EventKind>> = {
  open: EventKind.EVENT_KIND_BREAKER_OPENED,
  'half-open': EventKind.EVENT_KIND_BREAKER_HALF_OPENED,
  closed: EventKind.EVENT_KIND_BREAKER_CLOSED,
};

/** Keeps what a mesh tells of its instances until it is taken: the latest, up to `limit`. */
export class EventBuffer {
  readonly #limit: number;
  readonly #onEvent: () => void;
  #events: Event[] = [];

  /** @param onEvent called when there is something to take */
  constructor(events: MeshEvents, limit: number, onEvent: () => void) {
    this.#limit = limit;
    this.#onEvent = onEvent;
    events.on('breakerChanged', (event) => {
      this.#add(BREAKER_KINDS[event.to], event, `${event.from} -> ${event.to}`);
    });
    events.on('instanceEjected', (event) => {
      const seconds = Math.round(event.forMs / 100) / 10;
      this.#add(EventKind.EVENT_KIND_EJECTED, event, `${event.reason}, for ${seconds} s`);
    });
    events.on('instanceReturned', (event) => this.#add(EventKind.EVENT_KIND_RETURNED, event, ''));
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  take(): Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #add(kind: EventKind, { service, instanceId }: InstanceEvent, detail: string): void {
    if (this.#events.length === this.#limit) this.#events.shift();
    const time = new Date();
    const event = { time, kind, service, instanceId, detail, caller: undefined, sequence: 0n };
    this.#events.push(event);
    this.#onEvent();
  }
}
