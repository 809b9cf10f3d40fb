import { RegistryServiceDefinition } from '@weft/proto/registry';
import { createRegistry, EtcdStore, type Registry, type RegistryOptions } from '@weft/registry';
import { type ChannelOptions, createChannel, createClientFactory } from 'nice-grpc';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';

/**
 * A real registry in this process, on a free port and ready, over memory unless given a store or the
 * endpoint of an etcd. It lists what it is told without calling it back, unless told otherwise. Always
 * close it.
 */
export async function createTestRegistry({
  etcd,
  ...options
}: RegistryOptions & { etcd?: string } = {}): Promise<Registry> {
  const store = etcd === undefined ? {} : { store: new EtcdStore({ endpoints: [etcd] }) };
  const registry = await createRegistry({ port: 0, callback: false, ...store, ...options });
  await registry.store.catalog.completed;
  return registry;
}

/** A plain client of a registry, on a connection of its own. Always close it. */
export function createRegistryClient(address: string, options: ChannelOptions = {}) {
  const channel = createChannel(address, undefined, {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  return {
    client: createClientFactory()
      .use(errorDetailsClientMiddleware)
      .create(RegistryServiceDefinition, channel),
    close: () => channel.close(),
  };
}
