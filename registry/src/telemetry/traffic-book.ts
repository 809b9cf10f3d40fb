import type {
  BreakerReport,
  BreakerStatus,
  Caller,
  Edge,
  ReportRequest,
  TrafficEdge,
} from '@weft/proto/telemetry';
import { EdgeRates, EdgeWindow, type Span } from './edge-window.ts';

export interface TrafficBookOptions {
  /** Edges held at most; what would be more is dropped. Default 50,000. */
  maxEdges?: number;
  /** Callers whose breakers are held at most. Default 10,000. */
  maxCallers?: number;
  /** Over how long rates and percentiles are taken, in ms: the interval of the caller if that is longer. Default 10,000. */
  windowMs?: number;
  /** Monotonic time in ms. Default performance.now. */
  now?: () => number;
}

/** Who calls what. */
export type EdgeEnds = Pick<TrafficEdge, 'caller' | 'service' | 'instanceId' | 'method'>;

interface HeldEdge {
  readonly from: HeldCaller;
  readonly service: string;
  readonly instanceId: string;
  readonly method: string;
  readonly window: EdgeWindow;
}

interface HeldCaller {
  readonly caller: Caller;
  /** Since when it has counted. */
  readonly firstAt: number;
  lastAt: number;
  /** How long its last report had counted for. */
  intervalMs: number;
  isGone: boolean;
  breakers: Map<string, { report: BreakerReport; since: Date }>;
}

/** A caller is forgotten, and its breakers with it, if no report comes for so long in ms and for so many of its intervals. */
const SILENT_MS = 15_000;
const SILENT_INTERVALS = 2.5;
/**
 * The span of a caller's rates moves on if no report comes for so long in ms and for so many of its intervals. Reports
 * made early, for an event, have a short interval.
 */
const LATE_MS = 3000;
const LATE_INTERVALS = 1.5;

/** How often what is old is looked for while reports come, in ms. */
const EXPIRE_MS = 1000;

/** UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS: as breakers count. */
const FAILURES: ReadonlySet<number> = new Set([2, 4, 8, 13, 14, 15]);

const keyOf = (...parts: readonly string[]) => parts.join('\n');

/** What clients reported in the last seconds, and what that makes in all. Pure, and bounded. */
export class TrafficBook {
  readonly #options: Required<TrafficBookOptions>;
  readonly #edges = new Map<string, HeldEdge>();
  readonly #callers = new Map<string, HeldCaller>();
  #expiredAt = 0;
  /** Edges and callers that were dropped since there were too many. */
  dropped = 0;

  constructor(options: TrafficBookOptions = {}) {
    this.#options = {
      maxEdges: 50_000,
      maxCallers: 10_000,
      windowMs: 10_000,
      now: () => performance.now(),
      ...options,
    };
  }

  /** Edges held. */
  get size(): number {
    return this.#edges.size;
  }

  /** Takes a report, which must have been checked. */
  add({ caller, intervalMs, edges, breakers }: ReportRequest): void {
    if (caller === undefined) return;
    const now = this.#options.now();
    if (now - this.#expiredAt >= EXPIRE_MS) this.#expire(now);
    const held = this.#caller(caller, now - intervalMs);
    if (held === undefined) return;
    held.lastAt = now;
    held.intervalMs = intervalMs;
    const before = held.breakers;
    held.breakers = new Map(
      breakers.map((report) => {
        const key = keyOf(report.service, report.instanceId);
        const known = before.get(key);
        const since = known?.report.state === report.state ? known.since : new Date();
        return [key, { report, since }];
      }),
    );
    for (const edge of edges) this.#addEdge(held, edge, now);
  }

  /** All edges, those added up of which `group` makes the same. */
  edges(group: (edge: EdgeEnds) => EdgeEnds): TrafficEdge[] {
    const now = this.#options.now();
    this.#expire(now);
    const sums = new Map<string, { of: EdgeEnds; rates: EdgeRates }>();
    for (const { from, window, ...edge } of this.#edges.values()) {
      const of = group({ ...edge, caller: from.caller });
      const { caller, service, instanceId, method } = of;
      const key = keyOf(
        caller?.service ?? '',
        caller?.instanceId ?? '',
        service,
        instanceId,
        method,
      );
      const held = sums.get(key) ?? { of, rates: new EdgeRates() };
      window.addTo(held.rates, this.#spanOf(from, now));
      sums.set(key, held);
    }
    return [...sums.values()].map(({ of, rates }) => ({
      ...of,
      rate: rates.ended * 1000,
      errorRate: rates.failed * 1000,
      p50Ms: rates.latency.quantileMs(0.5),
      p99Ms: rates.latency.quantileMs(0.99),
      inFlight: rates.inFlight,
    }));
  }

  /** Breakers that are not closed, of callers that are heard of. */
  breakers(): BreakerStatus[] {
    this.#expire(this.#options.now());
    return [...this.#callers.values()].flatMap(({ caller, breakers }) =>
      [...breakers.values()].map(({ report, since }) => ({ caller, breaker: report, since })),
    );
  }

  /** The names of the callers heard of that called an instance of late, or hold its breaker. */
  callersOf(service: string, instanceId: string): string[] {
    this.#expire(this.#options.now());
    const isOfIt = (of: { service: string; instanceId: string }) =>
      of.service === service && of.instanceId === instanceId;
    const calling = [...this.#edges.values()].filter(isOfIt);
    const holding = [...this.#callers.values()]
      .filter(({ breakers }) => [...breakers.values()].some(({ report }) => isOfIt(report)))
      .map(({ caller }) => caller.instanceId);
    return [...new Set([...calling.map(({ from }) => from.caller.instanceId), ...holding])];
  }

  #caller(caller: Caller, firstAt: number): HeldCaller | undefined {
    const key = callerKey(caller);
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    if (this.#callers.size >= this.#options.maxCallers) {
      this.dropped += 1;
      return undefined;
    }
    const held = {
      caller,
      firstAt,
      lastAt: firstAt,
      intervalMs: 0,
      isGone: false,
      breakers: new Map(),
    };
    this.#callers.set(key, held);
    return held;
  }

  #addEdge(from: HeldCaller, edge: Edge, at: number) {
    const { caller, intervalMs } = from;
    const { service, instanceId, method, statuses, latency, busyMs } = edge;
    const key = keyOf(caller.service, caller.instanceId, service, instanceId, method);
    let held = this.#edges.get(key);
    if (held === undefined) {
      if (this.#edges.size >= this.#options.maxEdges) {
        this.dropped += 1;
        return;
      }
      held = { from, service, instanceId, method, window: new EdgeWindow() };
      this.#edges.set(key, held);
    }
    let count = 0;
    let failures = 0;
    for (const [code, times] of statuses) {
      count += Number(times);
      if (FAILURES.has(code)) failures += Number(times);
    }
    const buckets = [...(latency?.counts ?? [])].map(
      ([index, times]) => [index, Number(times)] as const,
    );
    const busy = busyMs ?? latency?.sumMs ?? 0;
    held.window.add({ at, intervalMs, count, failures, busyMs: busy, buckets });
  }

  /**
   * The span that the rates of a caller are taken over. It ends at the last report, because nothing is known of the time
   * after. If the next report is late, the span moves on and the rates fade.
   */
  #spanOf({ firstAt, lastAt, intervalMs }: HeldCaller, now: number): Span {
    const to = Math.max(lastAt, now - Math.max(LATE_MS, LATE_INTERVALS * intervalMs));
    return { from: Math.max(firstAt, to - Math.max(this.#options.windowMs, intervalMs)), to };
  }

  #expire(now: number): void {
    this.#expiredAt = now;
    for (const [key, held] of this.#callers) {
      const silentMs = Math.max(SILENT_MS, SILENT_INTERVALS * held.intervalMs);
      if (now - held.lastAt <= silentMs) continue;
      held.isGone = true;
      this.#callers.delete(key);
    }
    for (const [key, { from, window }] of this.#edges) {
      if (from.isGone || window.expire(this.#spanOf(from, now).from)) this.#edges.delete(key);
    }
  }
}

function callerKey({ service, instanceId }: Caller): string {
  return keyOf(service, instanceId);
}
