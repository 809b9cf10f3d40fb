import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  addressText,
  GrpcServer,
  type Log,
  messageOf,
  route,
  ServingStatus,
  silentLog,
} from '@weft/proto';
import { ArchitectureServiceDefinition } from '@weft/proto/architecture';
import { TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { ArchitectureBook } from './architecture/architecture-book.ts';
import { architectureHandlers } from './architecture/architecture-handlers.ts';
import { RegistryCounters } from './counters.ts';
import { discoveryHandlers } from './discovery-handlers.ts';
import { DrainBook } from './drain/drain-book.ts';
import { drainHandlers } from './drain/drain-handlers.ts';
import { Callback } from './health/callback.ts';
import { CHECK_TIMES, HealthChecks } from './health/health-checks.ts';
import type { CheckTimes } from './health/instance-check.ts';
import { httpSide } from './http/http-side.ts';
import { createGuards } from './limits/guards.ts';
import { DEFAULT_LIMITS, type RegistryLimits, resetLimits } from './limits/limits.ts';
import { followReadiness } from './readiness.ts';
import { registrationHandlers } from './registration-handlers.ts';
import { SharedEncodingDefinition } from './shared-encoding.ts';
import { MemoryStore } from './store/memory-store.ts';
import { ReplicaList } from './store/replica-list.ts';
import type { Store } from './store/store.ts';
import { BreakerOrders } from './telemetry/breaker-orders.ts';
import { EventBook } from './telemetry/event-book.ts';
import { followCatalog } from './telemetry/follow-catalog.ts';
import { telemetryHandlers } from './telemetry/telemetry-handlers.ts';
import { TrafficBook } from './telemetry/traffic-book.ts';
import { WatchHub, type WatchHubOptions } from './watch-hub.ts';

export interface RegistryOptions {
  /** Where instances are kept. The registry closes it. Default: in memory. */
  store?: Store;
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Port to listen on; 0 takes a free one. Default 7400. */
  port?: number;
  /** After how long a quiet watch gets a progress mark. Default 10,000. */
  progressMs?: number;
  /** Port for HTTP on the same host: the web page, /metrics and /sd; 0 takes a free one. Default: none. */
  httpPort?: number | undefined;
  /**
   * Host names by which the HTTP server may be reached, such as `weft.example.com`. Addresses, `localhost`,
   * the name of this machine, `host` and the host of `advertise` are allowed anyway. Default: no others.
   */
  httpHosts?: readonly string[];
  /**
   * Whether the web page may drain and deregister instances, and people open and close the breakers
   * that clients hold. Default false.
   */
  allowActions?: boolean;
  /** What is taken at most; what is not given is by default. */
  limits?: Partial<RegistryLimits>;
  /**
   * For how long the store may be away before this turns NOT_SERVING, so that clients to come go
   * elsewhere. What is known is served all the while, marked stale. Default 5000.
   */
  unreadyAfterMs?: number;
  /** Changes held for one watcher that does not read. */
  watch?: Pick<WatchHubOptions, 'maxPending'>;
  /** `host:port` at which the other registries on its store reach it. Default: where it listens. */
  advertise?: string | undefined;
  /**
   * Whether an instance must answer at its address before it is listed; one may also ask to be listed
   * without. Default true.
   */
  callback?: boolean;
  /** How instances that ask for it are looked after. */
  healthChecks?: Partial<CheckTimes>;
  /** Default: silent. */
  log?: Log;
}

/** A running registry. */
export interface Registry {
  /** `host:port` it listens on. */
  readonly address: string;
  /** `host:port` of its HTTP server; undefined when it has none. */
  readonly httpAddress: string | undefined;
  /** Where its instances are kept. */
  readonly store: Store;
  /** Ends streams, lets calls finish for at most `graceMs` (default 5000), closes the store. */
  close(graceMs?: number): Promise<void>;
}

/** What it says that it is, when it is asked; no service is registered under it by `weft up`. */
const REGISTRY_NAME = 'registry';

/** Where others reach what listens on every address of this machine: by its name. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, `${hostname()}:`);
}

/** The host of `host:port`; none if there is no address. */
function hostOf(address: string | undefined): string[] {
  return address === undefined ? [] : [address.slice(0, address.lastIndexOf(':'))];
}

/**
 * Starts a registry and listens. Its store may be away: it is then NOT_SERVING until it has read it.
 * @throws Error when the port cannot be had; the store is closed then.
 */
export async function createRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { host = '127.0.0.1', port = 7400, httpPort, progressMs = 10_000 } = options;
  const { log = silentLog } = options;
  const store = options.store ?? new MemoryStore();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { maxWatchesPerConnection: maxPerPeer } = limits;
  const hub = new WatchHub(store.catalog, { maxPerPeer, ...options.watch });
  const counters = new RegistryCounters();
  const guards = createGuards(store, limits, counters);
  const book = new DrainBook(() => store.catalog.history);
  const replicas = new ReplicaList();
  const replicaId = randomUUID();
  const callback =
    options.callback === false ? undefined : new Callback({ catalog: store.catalog });
  const traffic = new TrafficBook();
  const events = new EventBook();
  const architecture = new ArchitectureBook();
  const { allowActions = false } = options;
  const orders = new BreakerOrders({
    catalog: store.catalog,
    traffic,
    events,
    isAllowed: allowActions,
    log,
  });
  let address = '';
  const shown = {
    writes: guards.writes,
    traffic,
    events,
    architecture,
    orders,
    allowActions,
    registry: () => address,
    hosts: [host, ...hostOf(options.advertise), ...(options.httpHosts ?? [])],
    log,
  };
  const http = httpPort === undefined ? undefined : httpSide({ store, hub, counters }, shown);
  const closer = new AbortController();
  const closing = closer.signal;
  const server = new GrpcServer({
    routes: [
      route(SharedEncodingDefinition, {
        ...registrationHandlers(http?.writes ?? guards.writes, closing, callback),
        ...discoveryHandlers({ store, hub, book, closing, progressMs }),
        ...drainHandlers({ store, book, replicas, replicaId, closing }),
      }),
      route(TelemetryServiceDefinition, telemetryHandlers({ traffic, events, orders, closing })),
      route(ArchitectureServiceDefinition, architectureHandlers(architecture)),
    ],
    identity: () => ({ service: REGISTRY_NAME, instanceId: replicaId, incarnation: replicaId }),
    interceptors: guards.interceptors,
    observer: http?.observer,
    resets: resetLimits(maxPerPeer),
    log,
  });
  const stopFollowing = [
    followReadiness(server.health, store.catalog, options.unreadyAfterMs),
    followCatalog(store, events),
  ];
  const closeRest = async () => {
    for (const stop of stopFollowing) stop();
    await http?.server.close();
    hub.close();
    await store.close();
  };
  let httpListening: number | undefined;
  try {
    const listening = await server.listen(addressText({ host, port })).catch((cause) => {
      throw new Error(
        `cannot listen on ${addressText({ host, port })}: ${messageOf(cause)}. Is the port taken? Choose another with --port`,
        { cause },
      );
    });
    address = addressText({ host, port: listening });
    // Before anyone can ask: who watches here is to be known to drains elsewhere.
    store.join(
      { id: replicaId, address: options.advertise ?? reachable(address), startTime: new Date() },
      replicas,
    );
    if (httpPort !== undefined) httpListening = await http?.server.listen(host, httpPort);
  } catch (error) {
    await server.close(0);
    await closeRest();
    throw error;
  }
  const times = { ...CHECK_TIMES, ...options.healthChecks };
  const checks = new HealthChecks({ store, replicas, replicaId, times, log });
  return {
    address,
    httpAddress:
      httpListening === undefined ? undefined : addressText({ host, port: httpListening }),
    store,
    async close(graceMs = 5000) {
      for (const stop of stopFollowing) stop();
      // Who asks for health learns it before streams end, and does not come back here.
      server.health.setAll(ServingStatus.NOT_SERVING);
      closer.abort();
      checks.close();
      await server.close(graceMs);
      await closeRest();
    },
  };
}
