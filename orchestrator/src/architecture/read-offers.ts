import { clientTransport } from '@weft/proto';
import { ServerReflectionDefinition } from '@weft/proto/reflection';
import { createChannel, createClient } from 'nice-grpc';

/** The gRPC services that the server at an address offers, by reflection; undefined when it does not tell. */
export async function readOffers(
  address: string,
  timeoutMs: number,
): Promise<string[] | undefined> {
  const channel = createChannel(address, undefined, clientTransport);
  try {
    const client = createClient(ServerReflectionDefinition, channel);
    async function* requests() {
      yield { listServices: '' };
    }
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const answer of client.serverReflectionInfo(requests(), { signal })) {
      return answer.listServicesResponse?.service.map(({ name }) => name);
    }
  } catch {
    // Not there, too slow, or without reflection.
  } finally {
    channel.close();
  }
  return undefined;
}
