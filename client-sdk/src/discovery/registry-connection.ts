import { connectivityState } from '@grpc/grpc-js';
import { clientTransport } from '@weft/proto';
import { type RegistryServiceClient, RegistryServiceDefinition } from '@weft/proto/registry';
import { type TelemetryServiceClient, TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { type Channel, createChannel, createClientFactory } from 'nice-grpc';
import { errorDetails } from '../call/error-details.ts';

/** One replica of the registry. */
export interface Replica {
  readonly address: string;
  readonly client: RegistryServiceClient;
  readonly telemetry: TelemetryServiceClient;
}

interface OpenReplica {
  readonly channel: Channel;
  readonly replica: Replica;
  readonly openedAt: number;
}

const clients = createClientFactory().use(errorDetails);

const transport = {
  ...clientTransport,
  // No connection of another channel is shared: it may be one that waits before it tries again.
  'grpc.use_local_subchannel_pool': 1,
  // Who comes back has waited its own backoff already: this one comes on top.
  'grpc.max_reconnect_backoff_ms': 500,
};

/** How often a replica without a connection is tried anew, at most, by those who come to it, in ms. */
const RETRY_MS = 500;

/**
 * The registry as a client sees it: a list of replicas, one of them in use. Who meets an error asks
 * for `failover` and comes back after a backoff; all users of the connection move together.
 */
export class RegistryConnection {
  readonly addresses: readonly string[];
  /** In the order in which they are used. */
  readonly #order: readonly string[];
  readonly #open = new Map<string, OpenReplica>();
  #index = 0;
  #isClosed = false;

  /** @param random spreads clients over the replicas, and over the rest when one of them fails */
  constructor(addresses: readonly string[], random: () => number) {
    this.addresses = addresses;
    const left = [...addresses];
    this.#order = addresses.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
  }

  /** The replica in use. Once closed, its calls fail. */
  get replica(): Replica {
    return this.#replicaAt(this.#order[this.#index] as string);
  }

  /** All replicas, for what each of them is to be told. */
  get replicas(): Replica[] {
    return this.addresses.map((address) => this.#replicaAt(address));
  }

  /**
   * `failed` did not serve: go on with the next one, unless someone has moved on already. Answers
   * whether another is in use now.
   */
  failover(failed: Replica): boolean {
    if (this.#order.length === 1) return false;
    if (failed.address === this.#order[this.#index]) {
      this.#index = (this.#index + 1) % this.#order.length;
      this.#renew(this.#order[this.#index] as string);
    }
    return true;
  }

  close(): void {
    this.#isClosed = true;
    for (const { channel } of this.#open.values()) channel.close();
  }

  #replicaAt(address: string): Replica {
    const known = this.#open.get(address);
    if (known !== undefined) return known.replica;
    const channel = createChannel(address, undefined, transport);
    if (this.#isClosed) channel.close();
    const replica = {
      address,
      client: clients.create(RegistryServiceDefinition, channel),
      telemetry: clients.create(TelemetryServiceDefinition, channel),
    };
    this.#open.set(address, { channel, replica, openedAt: performance.now() });
    return replica;
  }

  /** Has a replica that could not be reached some time ago be tried now, not when gRPC would. */
  #renew(address: string): void {
    const known = this.#open.get(address);
    if (known === undefined || performance.now() - known.openedAt < RETRY_MS) return;
    if (known.channel.getConnectivityState(false) !== connectivityState.TRANSIENT_FAILURE) return;
    known.channel.close();
    this.#open.delete(address);
  }
}
