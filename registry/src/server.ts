import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { GrpcServer, type Log, messageOf, route, ServingStatus, silentLog } from '@weft/proto';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { addressText } from './address-rules.ts';
import { discoveryHandlers } from './discovery-handlers.ts';
import { DrainBook } from './drain/drain-book.ts';
import { drainHandlers } from './drain/drain-handlers.ts';
import { Callback } from './health/callback.ts';
import { CHECK_TIMES, HealthChecks } from './health/health-checks.ts';
import type { CheckTimes } from './health/instance-check.ts';
import { registrationHandlers } from './registration-handlers.ts';
import { MemoryStore } from './store/memory-store.ts';
import { ReplicaList } from './store/replica-list.ts';
import type { Store } from './store/store.ts';
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
  /** Limits on watches. */
  watch?: WatchHubOptions;
  /** `host:port` at which the other registries on its store reach it. Default: where it listens. */
  advertise?: string;
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
  /** Where its instances are kept. */
  readonly store: Store;
  /** Ends streams, lets calls finish for at most `graceMs` (default 5000), closes the store. */
  close(graceMs?: number): Promise<void>;
}

/** Where others reach what listens on every address of this machine: by its name. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, `${hostname()}:`);
}

/** SERVING once the catalog can be read. */
function followReadiness(server: GrpcServer, store: Store): () => void {
  const update = () => {
    if (!store.catalog.isComplete || server.closing.aborted) return;
    server.health.set('', ServingStatus.SERVING);
    server.health.set(RegistryServiceDefinition.fullName, ServingStatus.SERVING);
    unsubscribe();
  };
  const unsubscribe = store.catalog.subscribe(update);
  update();
  return unsubscribe;
}

/**
 * Starts a registry and listens. Its store may be away: it is then NOT_SERVING until it has read it.
 * @throws Error when the port cannot be had; the store is closed then.
 */
export async function createRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { host = '127.0.0.1', port = 7400, progressMs = 10_000, log = silentLog } = options;
  const store = options.store ?? new MemoryStore();
  const hub = new WatchHub(store.catalog, options.watch);
  const book = new DrainBook();
  const replicas = new ReplicaList();
  const replicaId = randomUUID();
  const callback =
    options.callback === false ? undefined : new Callback({ catalog: store.catalog });
  const closer = new AbortController();
  const closing = closer.signal;
  const server = new GrpcServer({
    routes: [
      route(RegistryServiceDefinition, {
        ...registrationHandlers(store, closing, callback),
        ...discoveryHandlers({ store, hub, book, closing, progressMs }),
        ...drainHandlers({ store, book, replicas, replicaId, closing }),
      }),
    ],
    log,
  });
  const stopFollowing = followReadiness(server, store);
  const closeStore = async () => {
    stopFollowing();
    hub.close();
    await store.close();
  };
  let listening: number;
  try {
    listening = await server.listen(addressText({ host, port }));
  } catch (cause) {
    await server.close(0);
    await closeStore();
    throw new Error(
      `cannot listen on ${addressText({ host, port })}: ${messageOf(cause)}. Is the port taken? Choose another with --port`,
      { cause },
    );
  }
  const address = addressText({ host, port: listening });
  store.join(
    { id: replicaId, address: options.advertise ?? reachable(address), startTime: new Date() },
    replicas,
  );
  const times = { ...CHECK_TIMES, ...options.healthChecks };
  const checks = new HealthChecks({ store, replicas, replicaId, times, log });
  return {
    address,
    store,
    async close(graceMs = 5000) {
      closer.abort();
      checks.close();
      await server.close(graceMs);
      await closeStore();
    },
  };
}
