import type {
  BreakerReport,
  BreakerStatus,
  Caller,
  Edge,
  ReportRequest,
  TrafficEdge,
} from '@weft/proto/telemetry';
import { EdgeSum, EdgeWindow } from './edge-window.ts';

export interface TrafficBookOptions {
  /** Edges held at most; what would be more is dropped. Default 50,000. */
  maxEdges?: number;
  /** Callers whose breakers are held at most. Default 10,000. */
  maxCallers?: number;
  /** Over how long rates and percentiles are taken, in ms. Default 10,000. */
  windowMs?: number;
  /** Monotonic time in ms. Default performance.now. */
  now?: () => number;
}

/** Who calls what. */
export type EdgeEnds = Pick<TrafficEdge, 'caller' | 'service' | 'instanceId' | 'method'>;

interface HeldEdge {
  readonly caller: Caller;
  readonly service: string;
  readonly instanceId: string;
  readonly method: string;
  readonly window: EdgeWindow;
}

interface HeldCaller {
  readonly caller: Caller;
  readonly firstAt: number;
  lastAt: number;
  breakers: Map<string, { report: BreakerReport; since: Date }>;
}

/** A caller that has said nothing for so long has gone, and its breakers with it, in ms. */
const SILENT_MS = 15_000;

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
    const before = held.breakers;
    held.breakers = new Map(
      breakers.map((report) => {
        const key = keyOf(report.service, report.instanceId);
        const known = before.get(key);
        const since = known?.report.state === report.state ? known.since : new Date();
        return [key, { report, since }];
      }),
    );
    for (const edge of edges) this.#addEdge(held.caller, edge, now);
  }

  /** All edges, those added up of which `group` makes the same. */
  edges(group: (edge: EdgeEnds) => EdgeEnds): TrafficEdge[] {
    const { now, windowMs } = this.#options;
    const at = now();
    this.#expire(at);
    const sums = new Map<string, { of: EdgeEnds; sum: EdgeSum; overMs: number }>();
    for (const { window, ...edge } of this.#edges.values()) {
      const of = group(edge);
      const { caller, service, instanceId, method } = of;
      const key = keyOf(
        caller?.service ?? '',
        caller?.instanceId ?? '',
        service,
        instanceId,
        method,
      );
      const firstAt = this.#callers.get(callerKey(edge.caller))?.firstAt ?? at - windowMs;
      const held = sums.get(key) ?? { of, sum: new EdgeSum(), overMs: 1 };
      held.overMs = Math.max(held.overMs, Math.min(windowMs, at - firstAt));
      window.addTo(held.sum);
      sums.set(key, held);
    }
    return [...sums.values()].map(({ of, sum, overMs }) => ({
      ...of,
      rate: (sum.count * 1000) / overMs,
      errorRate: (sum.failures * 1000) / overMs,
      p50Ms: sum.latency.quantileMs(0.5),
      p99Ms: sum.latency.quantileMs(0.99),
      inFlight: sum.busyMs / overMs,
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
    const calling = [...this.#edges.values()].filter(isOfIt).map(({ caller }) => caller.instanceId);
    const holding = [...this.#callers.values()]
      .filter(({ breakers }) => [...breakers.values()].some(({ report }) => isOfIt(report)))
      .map(({ caller }) => caller.instanceId);
    return [...new Set([...calling, ...holding])];
  }

  #caller(caller: Caller, firstAt: number): HeldCaller | undefined {
    const key = callerKey(caller);
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    if (this.#callers.size >= this.#options.maxCallers) {
      this.dropped += 1;
      return undefined;
    }
    const held = { caller, firstAt, lastAt: firstAt, breakers: new Map() };
    this.#callers.set(key, held);
    return held;
  }

  #addEdge(caller: Caller, edge: Edge, at: number) {
    const { service, instanceId, method, statuses, latency, busyMs } = edge;
    const key = keyOf(caller.service, caller.instanceId, service, instanceId, method);
    let held = this.#edges.get(key);
    if (held === undefined) {
      if (this.#edges.size >= this.#options.maxEdges) {
        this.dropped += 1;
        return;
      }
      held = { caller, service, instanceId, method, window: new EdgeWindow() };
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
    held.window.add({ at, count, failures, busyMs: busyMs ?? latency?.sumMs ?? 0, buckets });
  }

  #expire(now: number): void {
    this.#expiredAt = now;
    for (const [key, { window }] of this.#edges) {
      if (window.expire(now - this.#options.windowMs)) this.#edges.delete(key);
    }
    for (const [key, { lastAt }] of this.#callers) {
      if (now - lastAt > SILENT_MS) this.#callers.delete(key);
    }
  }
}

function callerKey({ service, instanceId }: Caller): string {
  return keyOf(service, instanceId);
}
