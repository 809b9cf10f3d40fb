import { GrpcServer, type Log, messageOf, route, ServingStatus, silentLog } from '@weft/proto';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { discoveryHandlers } from './discovery-handlers.ts';
import { registrationHandlers } from './registration-handlers.ts';
import { MemoryStore } from './store/memory-store.ts';
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

const notYet = {
  async acknowledge(): Promise<never> {
    throw new Error('not yet');
  },
  watchDrain(): AsyncGenerator<never> {
    throw new Error('not yet');
  },
};

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
  const closer = new AbortController();
  const closing = closer.signal;
  const server = new GrpcServer({
    routes: [
      route(RegistryServiceDefinition, {
        ...registrationHandlers(store, closing),
        ...discoveryHandlers({ store, hub, closing, progressMs }),
        ...notYet,
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
  const bracketed = host.includes(':') ? `[${host}]` : host;
  let listening: number;
  try {
    listening = await server.listen(`${bracketed}:${port}`);
  } catch (cause) {
    await server.close(0);
    await closeStore();
    throw new Error(
      `cannot listen on ${bracketed}:${port}: ${messageOf(cause)}. Is the port taken? Choose another with --port`,
      { cause },
    );
  }
  return {
    address: `${bracketed}:${listening}`,
    store,
    async close(graceMs = 5000) {
      closer.abort();
      await server.close(graceMs);
      await closeStore();
    },
  };
}
