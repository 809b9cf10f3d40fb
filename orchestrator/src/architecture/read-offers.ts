import { clientTransport, REFLECTION_VERSIONS } from '@weft/proto';
import { type Client, createChannel, createClient } from 'nice-grpc';

/**
 * The gRPC services that the server at an address offers, read over reflection v1 or v1alpha.
 * @returns undefined if the server is not there, has no reflection, or takes longer than `timeoutMs`
 */
export async function readOffers(
  address: string,
  timeoutMs: number,
): Promise<string[] | undefined> {
  const channel = createChannel(address, undefined, clientTransport);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    for (const definition of REFLECTION_VERSIONS) {
      const offers = await listServices(createClient(definition, channel), signal);
      if (offers !== undefined) return offers;
    }
  } finally {
    channel.close();
  }
  return undefined;
}

async function listServices(
  client: Client<(typeof REFLECTION_VERSIONS)[number]>,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  async function* requests() {
    yield { listServices: '' };
  }
  try {
    for await (const answer of client.serverReflectionInfo(requests(), { signal })) {
      return answer.listServicesResponse?.service.map(({ name }) => name);
    }
  } catch {
    // Not there, too slow, or without this version.
  }
  return undefined;
}
