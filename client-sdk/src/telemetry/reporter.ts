import {
  type BreakerOrder,
  type BreakerReport,
  BreakerState,
  type Caller,
  type ReportRequest,
} from '@weft/proto/telemetry';
import type { BreakerView } from '../breaker/breaker-view.ts';
import type { MeshEvents } from '../mesh-events.ts';
import { BreakerOrderTaker } from './breaker-order-taker.ts';
import { EventBuffer } from './event-buffer.ts';
import type { TrafficCounter } from './traffic-counter.ts';

export interface ReporterOptions {
  /** What was counted. */
  counter: TrafficCounter;
  /** What befell instances. */
  events: MeshEvents;
  /** The breakers as they are. */
  breakers: () => readonly BreakerView[];
  /** Who reports. */
  caller: () => Caller;
  /** How often to report, in ms. */
  intervalMs: number;
  /** Hands a report to the registry and answers with its orders; what it throws is ignored. */
  send: (report: ReportRequest) => Promise<readonly BreakerOrder[]>;
  /** Monotonic time in ms. Default performance.now. */
  now?: () => number;
}

/** What the contract allows in one report. */
const MOST_EDGES = 5000;
const MOST_EVENTS = 1000;
const MOST_BREAKERS = 5000;
/** An event is told this soon, in ms, with what comes along in the meantime. */
const EVENT_MS = 200;

const STATES = {
  open: BreakerState.BREAKER_STATE_OPEN,
  'half-open': BreakerState.BREAKER_STATE_HALF_OPEN,
  closed: BreakerState.BREAKER_STATE_CLOSED,
} as const;

/**
 * Tells the registry what this process calls and how it fares, now and then. Lossy rather than in the
 * way: a report that cannot be handed over is dropped, one is under way at a time, and nothing waits
 * for it. A process that calls nobody reports nothing.
 */
export class Reporter {
  readonly #options: Required<ReporterOptions>;
  readonly #events: EventBuffer;
  readonly #orders: BreakerOrderTaker;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #countedSince: number;
  #isSending = false;
  #hadBreakers = false;
  #isClosed = false;

  constructor(options: ReporterOptions) {
    this.#options = { now: () => performance.now(), ...options };
    this.#countedSince = this.#options.now();
    this.#orders = new BreakerOrderTaker(options.breakers);
    this.#events = new EventBuffer(options.events, MOST_EVENTS, () => this.#schedule(EVENT_MS));
    this.#schedule(options.intervalMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Reports in `inMs` at the latest. */
  #schedule(inMs: number): void {
    const dueAt = this.#options.now() + inMs;
    if (this.#isClosed || this.#isSending || dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#report(), inMs);
    this.#timer.unref();
  }

  async #report(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    const report = this.#take();
    if (report !== undefined) {
      this.#isSending = true;
      const orders = await this.#options.send(report).catch(() => []);
      if (!this.#isClosed) this.#orders.take(orders);
      this.#isSending = false;
    }
    this.#schedule(this.#events.isEmpty ? this.#options.intervalMs : EVENT_MS);
  }

  /** What there is to tell; undefined when nothing has changed for whoever looks on. */
  #take(): ReportRequest | undefined {
    const { counter, caller, breakers, now } = this.#options;
    const at = now();
    const edges = counter.take(MOST_EDGES, at);
    const events = this.#events.take();
    const broken = breakers().filter(({ state }) => state !== 'closed');
    const isNews = edges.length > 0 || events.length > 0 || broken.length > 0 || this.#hadBreakers;
    const intervalMs = Math.min(Math.max(1, Math.round(at - this.#countedSince)), 60_000);
    this.#countedSince = at;
    this.#hadBreakers = broken.length > 0;
    if (!isNews) return undefined;
    return {
      caller: caller(),
      intervalMs,
      edges,
      breakers: broken.slice(0, MOST_BREAKERS).map(breakerReport),
      events,
    };
  }
}

function breakerReport({ service, instanceId, state, isForced }: BreakerView): BreakerReport {
  return { service, instanceId, state: STATES[state], isForced };
}
