import type { Log } from '@weft/proto';
import { closedError, WeftError } from '../errors.ts';
import type { DiscoveryObserver } from './discovery-observer.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { checkServiceName } from './service-name.ts';
import type { ServiceSnapshot } from './service-snapshot.ts';
import { type DiscoveryListener, ServiceWatch } from './service-watch.ts';

export interface ServiceDirectoryOptions {
  registry: RegistryConnection;
  /** Age without news after which a snapshot is stale; also how long an unused watch is kept, in ms. */
  ttlMs: number;
  /** How long the first question for a service may take, in ms. */
  timeoutMs: number;
  /** Who asks, as told to the registry for people. Default: nothing is told. */
  client?: () => string;
  /** Share of a service's instances whose loss is believed even when the registry was in trouble. */
  protectedShare: number;
  observer: DiscoveryObserver;
  log: Log;
}

interface Entry {
  readonly watch: ServiceWatch;
  readonly listeners: Set<DiscoveryListener>;
  /** Runs while nobody follows; closes the watch when it ends. */
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * The services this process asks about, each under one watch however many ask. A warm question is
 * answered from memory. A service nobody follows or asks about for the TTL is forgotten.
 */
export class ServiceDirectory {
  readonly #options: ServiceDirectoryOptions;
  readonly #entries = new Map<string, Entry>();
  #isClosed = false;

  constructor(options: ServiceDirectoryOptions) {
    this.#options = options;
  }

  /**
   * The instances of a service, from memory once known. While the registry is away the last answer
   * is served, marked stale past the TTL. A service without instances gives an empty list.
   * @throws WeftError REGISTRY_UNAVAILABLE when nothing is known and the registry does not answer,
   *   MESH_CLOSED; ConfigError when no service can have this name
   */
  async discover(service: string): Promise<ServiceSnapshot> {
    const entry = this.#entry(service);
    if (entry.listeners.size === 0) this.#restartIdleTimer(service, entry);
    return entry.watch.snapshot ?? this.#firstAnswer(service);
  }

  /** Tells `listener` of the service as known now and of every change, until the answer is called. */
  follow(service: string, listener: DiscoveryListener): () => void {
    const entry = this.#entry(service);
    clearTimeout(entry.idleTimer);
    entry.listeners.add(listener);
    // Never within the call: resolvers must not be called back synchronously.
    queueMicrotask(() => {
      if (!entry.listeners.has(listener)) return;
      const { whole, failure } = entry.watch;
      if (whole !== undefined) listener.instancesChanged(whole);
      else if (failure !== undefined) listener.discoveryFailed(failure);
    });
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size === 0) this.#restartIdleTimer(service, entry);
    };
  }

  /** Ends every watch. Resolves when the registry has been told, or cannot be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = [...this.#entries].map(([service, { listeners }]) => {
      const closing = this.#forget(service);
      for (const listener of [...listeners]) listener.discoveryFailed(closedError());
      return closing;
    });
    await Promise.all(closed);
  }

  #entry(service: string): Entry {
    if (this.#isClosed) throw closedError();
    const known = this.#entries.get(service);
    if (known !== undefined) return known;
    checkServiceName(service);
    const listeners = new Set<DiscoveryListener>();
    const { registry, ttlMs, protectedShare, observer, client, log } = this.#options;
    const watch = new ServiceWatch({
      service,
      registry,
      ttlMs,
      client,
      protectedShare,
      observer,
      log,
      random: Math.random,
      listener: {
        instancesChanged: (changes) => {
          for (const listener of [...listeners]) listener.instancesChanged(changes);
        },
        discoveryFailed: (error) => {
          for (const listener of [...listeners]) listener.discoveryFailed(error);
        },
      },
    });
    const entry: Entry = { watch, listeners, idleTimer: undefined };
    this.#entries.set(service, entry);
    return entry;
  }

  async #firstAnswer(service: string): Promise<ServiceSnapshot> {
    const { promise, resolve, reject } = Promise.withResolvers<ServiceSnapshot>();
    const { registry, timeoutMs } = this.#options;
    const timer = setTimeout(() => {
      const addresses = registry.addresses.join(', ');
      reject(
        new WeftError(
          'REGISTRY_UNAVAILABLE',
          `cannot discover ${service}: the registry at ${addresses} said nothing in ${timeoutMs} ms`,
        ),
      );
    }, timeoutMs);
    const { watch } = this.#entry(service);
    const unfollow = this.follow(service, {
      instancesChanged: () => resolve(watch.snapshot as ServiceSnapshot),
      discoveryFailed: reject,
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      unfollow();
    }
  }

  #restartIdleTimer(service: string, entry: Entry): void {
    if (this.#isClosed) return;
    clearTimeout(entry.idleTimer);
    entry.idleTimer = setTimeout(() => void this.#forget(service), this.#options.ttlMs);
    entry.idleTimer.unref();
  }

  #forget(service: string): Promise<void> {
    const entry = this.#entries.get(service);
    if (entry === undefined) return Promise.resolve();
    this.#entries.delete(service);
    clearTimeout(entry.idleTimer);
    return entry.watch.close();
  }
}
