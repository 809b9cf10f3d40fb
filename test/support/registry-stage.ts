import { createMesh, type Mesh } from '@weft/client-sdk';
import { createRegistry, EtcdStore, type EtcdStoreOptions, type Registry } from '@weft/registry';
import { type EchoInstance, serveEcho } from './echo-service.ts';
import { createRegistryClient } from './registry.ts';
import { WatchRecorder, type WatchRecorderOptions } from './watch-recorder.ts';

export type RegistryClient = ReturnType<typeof createRegistryClient>['client'];

/** What instances are of unless a test says otherwise. */
export const SERVICE = 'user-service';

/** A registration by hand of an instance that nobody runs. */
export function registrationOf(id: string, { service = SERVICE, ttlSeconds = 600 } = {}) {
  const address = { host: '127.0.0.1', port: 5000 };
  const instance = { service, id, address, incarnation: `run-of-${id}` };
  return { instance, ttlSeconds, skipCallback: true };
}

/** Registries, their watchers and the instances of one test; ends all of it, the last first. */
export class RegistryStage implements AsyncDisposable {
  readonly #cleanup = new AsyncDisposableStack();

  /** Runs `undo` when the test is over. */
  defer(undo: () => unknown): void {
    this.#cleanup.defer(async () => void (await undo()));
  }

  /** Ends it with the test. */
  use<T extends { close(): unknown }>(closable: T): T {
    this.defer(() => closable.close());
    return closable;
  }

  /** A replica over an etcd, in this process; ready unless `isReady` is false. */
  async registry(
    endpoints: string | readonly string[],
    { isReady = true, ...options }: Partial<EtcdStoreOptions> & { isReady?: boolean } = {},
  ): Promise<Registry & { client: RegistryClient }> {
    const store = new EtcdStore({ endpoints: [endpoints].flat(), ...options });
    const registry = this.use(await createRegistry({ port: 0, store }));
    if (isReady) await store.catalog.completed;
    return Object.assign(registry, { client: this.client(registry.address) });
  }

  /** A client on a connection of its own. */
  client(address: string): RegistryClient {
    return this.use(createRegistryClient(address)).client;
  }

  /** Watches one service, or everything. */
  follow(
    client: Pick<RegistryClient, 'watch'>,
    { service, ...options }: WatchRecorderOptions & { service?: string } = {},
  ): WatchRecorder {
    const watch = new WatchRecorder(client, service ? { services: [service] } : {}, options);
    this.defer(() => watch.stop());
    return watch;
  }

  mesh(registry: string | string[]): Mesh {
    return this.use(createMesh({ registry, slowStartMs: 0 }));
  }

  /** An instance as services are: offered by the SDK, which keeps it listed; it is. */
  async serve(
    registry: string | string[],
    id: string,
    { service = SERVICE, ttlSeconds = 2 } = {},
  ): Promise<EchoInstance> {
    const echo = await serveEcho(this.mesh(registry), id, { name: service, ttlSeconds });
    this.use(echo.host);
    await echo.host.registered();
    return echo;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync();
  }
}
