import { clientTransport, ServingStatus } from '@weft/proto';
import { type HealthClient, HealthDefinition } from '@weft/proto/health';
import { type Channel, ClientError, createChannel, createClient, Status } from 'nice-grpc';

/**
 * What one look at a process found: it serves; it answers, but refuses to serve; or it gave no answer in time.
 */
export type Finding = 'serving' | 'refusing' | 'silent';

/** Whether `service` at `address` answers SERVING within `timeoutMs`, asked once. Never rejects. */
export async function answersServing(
  address: string,
  service: string,
  timeoutMs: number,
): Promise<boolean> {
  const health = new GrpcHealth();
  try {
    return (await health.look(address, service, timeoutMs)) === 'serving';
  } finally {
    health.close();
  }
}

/** What a failed Check tells of the server. */
function findingOf(error: unknown, service: string): Finding {
  if (!(error instanceof ClientError)) return 'silent';
  switch (error.code) {
    case Status.UNAVAILABLE:
    case Status.CANCELLED:
    case Status.DEADLINE_EXCEEDED:
      return 'silent';
    // A server that offers no health checks serves, as it answers.
    case Status.UNIMPLEMENTED:
      return 'serving';
    case Status.NOT_FOUND:
      return service === '' ? 'serving' : 'refusing';
    default:
      return 'refusing';
  }
}

/** Asks servers for their health over grpc.health.v1; one connection, to the address last asked. */
export class GrpcHealth {
  #address = '';
  #channel: Channel | undefined;
  #client: HealthClient | undefined;

  /** Asks for `service` at `address`, for at most `timeoutMs`. Never rejects. */
  async look(address: string, service: string, timeoutMs: number): Promise<Finding> {
    if (address !== this.#address || this.#client === undefined) this.#connect(address);
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await this.#client?.check({ service }, { signal });
      return response?.status === ServingStatus.SERVING ? 'serving' : 'refusing';
    } catch (error) {
      return findingOf(error, service);
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
