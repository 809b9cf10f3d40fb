import { TrafficHistory } from './traffic-history.ts';
import type {
  StreamMessage,
  WireArchitecture,
  WireBreaker,
  WireEdge,
  WireEvent,
  WireInstance,
  WireRenewal,
} from './wire.ts';

/** How an instance stands, taken together: what colour it has. */
export type Condition = 'up' | 'starting' | 'draining' | 'down' | 'gone';

/** An instance on the page; one that has gone is shown for a while. */
export interface ShownInstance extends WireInstance {
  condition: Condition;
  /** When it went, on the clock of the page in ms; 0 while it is there. */
  goneAt: number;
}

/** A service as the sum of its instances and their traffic. */
export interface ServiceSummary {
  name: string;
  /** Instances listed. */
  count: number;
  /** Of these, by condition; besides those that went a moment ago. */
  conditions: Record<Condition, number>;
  traffic: WireEdge | undefined;
  openBreakers: number;
}

/** How long an instance that has gone is shown, in ms. */
const GONE_MS = 10_000;
const MAX_EVENTS = 1000;
/** Gone instances shown at most. */
const MAX_GONE = 500;

function conditionOf({ status, health, weight }: WireInstance): Condition {
  if (status === 'ERROR' || status === 'STOPPED' || health === 'NOT_SERVING') return 'down';
  if (status === 'STOPPING' || weight === 0) return 'draining';
  return status === 'STARTING' ? 'starting' : 'up';
}

const byName = (a: { service: string; id: string }, b: { service: string; id: string }) =>
  a.service < b.service || (a.service === b.service && a.id < b.id) ? -1 : 1;

export const keyOf = (service: string, id: string) => `${service}/${id}`;

/** What the page knows of the mesh. Changed by messages only; pure but for the clock it is given. */
export class MeshModel {
  isComplete = false;
  isStale = false;
  hasActions = false;
  /** Where the registry listens for gRPC. */
  registry = '';
  edges: readonly WireEdge[] = [];
  breakers: readonly WireBreaker[] = [];
  /** Latest first. */
  events: readonly WireEvent[] = [];
  /** As whoever runs the mesh published it; undefined when nobody did. */
  architecture: WireArchitecture | undefined;
  readonly history = new TrafficHistory();
  readonly #now: () => number;
  #instances = new Map<string, ShownInstance>();
  #gone = new Map<string, ShownInstance>();
  #totals = new Map<string, WireEdge>();
  #byInstance = new Map<string, WireEdge>();
  #renewedAt = new Map<string, number>();
  #sorted: readonly ShownInstance[] | undefined;

  /** @param now monotonic, in ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Instances listed. */
  get size(): number {
    return this.#instances.size;
  }

  /** Those listed and those gone a moment ago, by service and id. */
  get instances(): readonly ShownInstance[] {
    this.#sorted ??= [...this.#instances.values(), ...this.#gone.values()].sort(byName);
    return this.#sorted;
  }

  /** The traffic to an instance in the last seconds; undefined when there is none. */
  trafficOf({ service, id }: WireInstance): WireEdge | undefined {
    return this.#byInstance.get(keyOf(service, id));
  }

  /** How long ago this registry renewed an instance's lease, in ms; undefined when it did not. */
  renewedAgoMs({ leaseId }: WireInstance): number | undefined {
    const at = this.#renewedAt.get(leaseId);
    return at === undefined ? undefined : this.#now() - at;
  }

  /** Every service that has an instance, had one a moment ago, or is called; by name. */
  services(): ServiceSummary[] {
    const summaries = new Map<string, ServiceSummary>();
    const summaryOf = (name: string) => {
      const known = summaries.get(name);
      if (known !== undefined) return known;
      const conditions = { up: 0, starting: 0, draining: 0, down: 0, gone: 0 };
      const traffic = this.#totals.get(name);
      const summary = { name, count: 0, conditions, traffic, openBreakers: 0 };
      summaries.set(name, summary);
      return summary;
    };
    for (const { service, condition } of this.instances) {
      const summary = summaryOf(service);
      summary.conditions[condition] += 1;
      if (condition !== 'gone') summary.count += 1;
    }
    for (const name of this.#totals.keys()) summaryOf(name);
    for (const { service } of this.breakers) summaryOf(service).openBreakers += 1;
    return [...summaries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  apply(message: StreamMessage): void {
    switch (message.kind) {
      case 'snapshot':
        this.isComplete = message.isComplete;
        this.isStale = message.isStale;
        this.hasActions = message.hasActions;
        this.registry = message.registry;
        this.architecture = undefined;
        this.#replace(message.instances);
        this.#renewedAt = new Map();
        this.#renew(message.renewals);
        this.events = message.events.toReversed();
        break;
      case 'architecture':
        this.architecture = message.architecture;
        break;
      case 'changes':
        this.isStale = message.isStale;
        for (const instance of message.put) this.#put(instance);
        for (const { service, id } of message.deleted) this.#delete(keyOf(service, id));
        break;
      case 'traffic':
        this.edges = message.edges;
        this.breakers = message.breakers;
        this.#totals = new Map(message.totals.map((edge) => [edge.service, edge]));
        this.#byInstance = new Map(
          message.instances.map((edge) => [keyOf(edge.service, edge.instance), edge]),
        );
        this.#renew(message.renewals);
        this.history.add(message.time, message.totals);
        this.#forgetGone();
        break;
      case 'events':
        this.events = [...message.events.toReversed(), ...this.events].slice(0, MAX_EVENTS);
        break;
    }
  }

  #replace(instances: readonly WireInstance[]): void {
    const before = this.#instances;
    this.#instances = new Map();
    for (const instance of instances) this.#put(instance);
    for (const [key, instance] of before) {
      if (!this.#instances.has(key)) this.#bury(key, instance);
    }
  }

  #put(instance: WireInstance): void {
    const key = keyOf(instance.service, instance.id);
    this.#instances.set(key, { ...instance, condition: conditionOf(instance), goneAt: 0 });
    this.#gone.delete(key);
    this.#sorted = undefined;
  }

  #delete(key: string): void {
    const instance = this.#instances.get(key);
    if (instance === undefined) return;
    this.#instances.delete(key);
    this.#renewedAt.delete(instance.leaseId);
    this.#bury(key, instance);
  }

  #bury(key: string, instance: ShownInstance): void {
    this.#sorted = undefined;
    this.#gone.set(key, { ...instance, condition: 'gone', goneAt: this.#now() });
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MAX_GONE && oldest !== undefined) this.#gone.delete(oldest);
  }

  #forgetGone(): void {
    const since = this.#now() - GONE_MS;
    for (const [key, { goneAt }] of this.#gone) {
      if (goneAt > since) continue;
      this.#gone.delete(key);
      this.#sorted = undefined;
    }
  }

  #renew(renewals: readonly WireRenewal[]): void {
    const now = this.#now();
    for (const [leaseId, agoMs] of renewals) this.#renewedAt.set(leaseId, now - agoMs);
    // Of leases replaced by others, nobody asks any more.
    if (this.#renewedAt.size <= 2 * this.#instances.size + 1000) return;
    const held = new Set([...this.#instances.values()].map(({ leaseId }) => leaseId));
    for (const leaseId of this.#renewedAt.keys()) {
      if (!held.has(leaseId)) this.#renewedAt.delete(leaseId);
    }
  }
}
