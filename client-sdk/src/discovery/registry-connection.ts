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

const clients = createClientFactory().use(errorDetails);

/**
 * The registry as a client sees it: a list of replicas, one of them in use. Who meets an error asks
 * for `failover` and comes back after a backoff; all users of the connection move together.
 */
export class RegistryConnection {
  readonly addresses: readonly string[];
  readonly #open = new Map<string, { channel: Channel; replica: Replica }>();
  #index: number;
  #isClosed = false;

  /** @param random spreads clients over the replicas */
  constructor(addresses: readonly string[], random: () => number) {
    this.addresses = addresses;
    this.#index = Math.floor(random() * addresses.length);
  }

  /** The replica in use. Once closed, its calls fail. */
  get replica(): Replica {
    return this.#replicaAt(this.addresses[this.#index] as string);
  }

  /** All replicas, for what each of them is to be told. */
  get replicas(): Replica[] {
    return this.addresses.map((address) => this.#replicaAt(address));
  }

  /** `failed` did not serve: go on with the next one, unless someone has moved on already. */
  failover(failed: Replica): void {
    if (failed.address === this.addresses[this.#index]) {
      this.#index = (this.#index + 1) % this.addresses.length;
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { channel } of this.#open.values()) channel.close();
  }

  #replicaAt(address: string): Replica {
    const known = this.#open.get(address);
    if (known !== undefined) return known.replica;
    const channel = createChannel(address, undefined, clientTransport);
    if (this.#isClosed) channel.close();
    const replica = {
      address,
      client: clients.create(RegistryServiceDefinition, channel),
      telemetry: clients.create(TelemetryServiceDefinition, channel),
    };
    this.#open.set(address, { channel, replica });
    return replica;
  }
}
