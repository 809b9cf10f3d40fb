import { leaseText } from '@weft/proto';
import type { ArchitectureBook } from '../architecture/architecture-book.ts';
import type { SnapshotMessage, StreamMessage, TrafficMessage } from '../page/wire.ts';
import type { Catalog, CatalogNotice } from '../store/catalog.ts';
import type { StoredInstance } from '../store/stored-instance.ts';
import type { EventBook } from '../telemetry/event-book.ts';
import { trafficNow } from '../telemetry/telemetry-handlers.ts';
import type { EdgeEnds, TrafficBook } from '../telemetry/traffic-book.ts';
import type { LeaseRenewals } from './lease-renewals.ts';
import { wireArchitecture } from './wire-architecture.ts';
import { wireBreaker, wireEdge, wireEvent, wireInstance } from './wire-format.ts';

export interface LiveFeedOptions {
  catalog: Catalog;
  traffic: TrafficBook;
  events: EventBook;
  architecture: ArchitectureBook;
  renewals: LeaseRenewals;
  /** Whether the page may act. */
  hasActions: boolean;
  /** Where the registry listens for gRPC; known once it does. */
  registry: () => string;
}

/** Changes within this are told together, in ms. */
const GATHER_MS = 50;
const TRAFFIC_EVERY_MS = 1000;
/** Adding up the traffic takes at most this share of the registry's time. */
const TRAFFIC_SHARE = 0.1;
/** Past events told to a page that opens. */
const PAST_EVENTS = 200;

type Listener = (message: StreamMessage) => void;

const keyOf = ({ service, id }: { service: string; id: string }) => `${service}/${id}`;

const byCallee = ({ service }: EdgeEnds): EdgeEnds => ({
  caller: undefined,
  service,
  instanceId: '',
  method: '',
});

/** What pages are told of the mesh, made once for all of them, and only while there are any. */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #listeners = new Set<Listener>();
  /** What changed and was not told yet, at most one change of each instance. */
  #changed = new Map<string, StoredInstance | { service: string; id: string }>();
  #isStaleNew = false;
  #toldEvents = 0n;
  #gathering: NodeJS.Timeout | undefined;
  #trafficTimer: NodeJS.Timeout | undefined;
  #stops: (() => void)[] = [];

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /**
   * Tells `listener` everything, and then every change.
   * @returns what ends that
   */
  subscribe(listener: Listener): () => void {
    if (this.#listeners.size === 0) this.#start();
    // The snapshot contains the events that wait. The other listeners get them first, so that no listener gets them twice.
    else this.#flush();
    listener(this.#snapshot());
    this.#tellArchitecture(listener);
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  #start(): void {
    const { catalog, events, architecture } = this.#options;
    this.#toldEvents = events.latest;
    this.#stops = [
      catalog.subscribe((notice) => this.#notice(notice)),
      events.subscribe(() => this.#gather()),
      architecture.subscribe(() => this.#tellArchitecture((message) => this.#tell(message))),
    ];
    this.#trafficTimer = setTimeout(() => this.#tellTraffic(TRAFFIC_EVERY_MS), 0).unref();
  }

  #stop(): void {
    for (const stop of this.#stops) stop();
    clearTimeout(this.#gathering);
    clearTimeout(this.#trafficTimer);
    this.#gathering = undefined;
    this.#changed = new Map();
    this.#isStaleNew = false;
  }

  #notice(notice: CatalogNotice): void {
    if (notice.kind === 'reset') {
      this.#changed = new Map();
      this.#toldEvents = this.#options.events.latest;
      this.#tell(this.#snapshot());
      this.#tellArchitecture((message) => this.#tell(message));
      return;
    }
    if (notice.kind === 'stale') this.#isStaleNew = true;
    else {
      const { catalog } = this.#options;
      for (const { instance } of notice.events) {
        const { service, id } = instance;
        const now = catalog.get(service, id) ?? { service, id };
        this.#changed.set(keyOf(instance), now);
      }
    }
    this.#gather();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const { catalog, events } = this.#options;
    if (this.#changed.size > 0 || this.#isStaleNew) {
      const changes = [...this.#changed.values()];
      const isPut = (change: (typeof changes)[number]) => 'leaseId' in change;
      this.#changed = new Map();
      this.#isStaleNew = false;
      this.#tell({
        kind: 'changes',
        put: changes.filter((change): change is StoredInstance => isPut(change)).map(wireInstance),
        deleted: changes
          .filter((change) => !isPut(change))
          .map(({ service, id }) => ({ service, id })),
        isStale: catalog.isStale,
      });
    }
    const news = events.after(this.#toldEvents);
    this.#toldEvents = events.latest;
    if (news.length > 0) this.#tell({ kind: 'events', events: news.map(wireEvent) });
  }

  #tellTraffic(sinceMs: number): void {
    const startedAt = performance.now();
    this.#tell(this.#traffic(sinceMs));
    if (this.#listeners.size === 0) return;
    const tookMs = performance.now() - startedAt;
    const nextMs = Math.max(TRAFFIC_EVERY_MS, tookMs / TRAFFIC_SHARE);
    this.#trafficTimer = setTimeout(() => this.#tellTraffic(nextMs), nextMs).unref();
  }

  #traffic(sinceMs: number): TrafficMessage {
    const { traffic } = this.#options;
    const { time, services, instances, breakers } = trafficNow(traffic, {
      service: '',
      detailed: false,
    });
    return {
      kind: 'traffic',
      time: time?.getTime() ?? Date.now(),
      totals: traffic.edges(byCallee).map(wireEdge),
      edges: services.map(wireEdge),
      instances: instances.map(wireEdge),
      breakers: breakers.flatMap(wireBreaker),
      // A little more than since the last one, as timers are late.
      renewals: this.#renewals(sinceMs + TRAFFIC_EVERY_MS),
    };
  }

  #renewals(withinMs: number): TrafficMessage['renewals'] {
    const latest = this.#options.renewals.latest(withinMs);
    return latest.map(([leaseId, agoMs]) => [leaseText(leaseId), Math.round(agoMs)]);
  }

  #snapshot(): SnapshotMessage {
    const { catalog, events, hasActions, registry } = this.#options;
    const { isComplete, isStale } = catalog;
    const names = isComplete ? catalog.services : [];
    return {
      kind: 'snapshot',
      isComplete,
      isStale,
      hasActions,
      registry: registry(),
      instances: names.flatMap((service) => catalog.instances(service).map(wireInstance)),
      renewals: this.#renewals(Number.POSITIVE_INFINITY),
      events: events.after(0n).slice(-PAST_EVENTS).map(wireEvent),
    };
  }

  #tellArchitecture(listener: Listener): void {
    const { latest } = this.#options.architecture;
    if (latest !== undefined) listener(wireArchitecture(latest));
  }

  #tell(message: StreamMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}
