import { clientTransport, ServingStatus } from '@weft/proto';
import { type HealthClient, HealthDefinition } from '@weft/proto/health';
import { type Channel, createChannel, createClient } from 'nice-grpc';

/** Whether `service` at `address` answers SERVING within `timeoutMs`, asked once. Never rejects. */
export async function answersServing(
  address: string,
  service: string,
  timeoutMs: number,
): Promise<boolean> {
  const health = new GrpcHealth();
  try {
    return await health.isServing(address, service, timeoutMs);
  } finally {
    health.close();
  }
}

/** Asks servers for their health over grpc.health.v1; one connection, to the address last asked. */
export class GrpcHealth {
  #address = '';
  #channel: Channel | undefined;
  #client: HealthClient | undefined;

  /** Whether `service` at `address` answers SERVING within `timeoutMs`. Never rejects. */
  async isServing(address: string, service: string, timeoutMs: number): Promise<boolean> {
    if (address !== this.#address || this.#client === undefined) this.#connect(address);
    try {
      const answer = await this.#client?.check(
        { service },
        { signal: AbortSignal.timeout(timeoutMs) },
      );
      return answer?.status === ServingStatus.SERVING;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.#client = undefined;
  }

  #connect(address: string): void {
    this.close();
    this.#address = address;
    this.#channel = createChannel(address, undefined, clientTransport);
    this.#client = createClient(HealthDefinition, this.#channel);
  }
}
