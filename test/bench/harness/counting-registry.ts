import { GrpcServer, route } from '@weft/proto';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { createChannel, createClient, type ServiceImplementation } from 'nice-grpc';

type Rpc = (request: unknown, context: { signal: AbortSignal }) => unknown;

/** Stands before a registry, hands every rpc on, and counts them. */
export class CountingRegistry {
  rpcs = 0;
  address = '';
  readonly #channel;
  readonly #server: GrpcServer;

  private constructor(registry: string) {
    this.#channel = createChannel(registry);
    const client = createClient(RegistryServiceDefinition, this.#channel);
    const rpcs: Record<string, Rpc> = {};
    for (const name of Object.keys(RegistryServiceDefinition.methods)) {
      const rpc = client[name as keyof typeof client] as Rpc;
      rpcs[name] = (request, { signal }) => {
        this.rpcs += 1;
        return rpc(request, { signal });
      };
    }
    const implementation: unknown = rpcs;
    this.#server = new GrpcServer({
      routes: [
        route(
          RegistryServiceDefinition,
          implementation as ServiceImplementation<typeof RegistryServiceDefinition>,
        ),
      ],
    });
  }

  static async start(registry: string): Promise<CountingRegistry> {
    const counting = new CountingRegistry(registry);
    counting.address = `127.0.0.1:${await counting.#server.listen('127.0.0.1:0')}`;
    return counting;
  }

  async close(): Promise<void> {
    await this.#server.close(0);
    this.#channel.close();
  }
}
