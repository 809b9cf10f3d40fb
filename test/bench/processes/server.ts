import { createMesh, type Mesh, type ServiceHost, Status } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { ServerError } from 'nice-grpc';
import { seededRandom } from '../../support/seeded-random.ts';
import { answerCommands } from '../harness/commands.ts';

/** One instance that a server process is to offer. */
export interface InstanceSpec {
  readonly registry: string;
  readonly service: string;
  readonly id: string;
  /** Default: a free one. */
  readonly port?: number;
  /** How long it takes to answer, in ms. Default 0: at once. */
  readonly delayMs?: number;
  /** Share of calls, 0 to 1, that fail UNAVAILABLE at once. Default 0. */
  readonly failShare?: number;
  /** Of its lease. Default 10. */
  readonly ttlSeconds?: number;
}

let mesh: Mesh | undefined;
const hosts: ServiceHost[] = [];
let attempts = 0;

const user = (id: string) => ({
  user: { id, name: 'Ada Lovelace', email: 'ada@example.org', createTime: undefined },
});

async function serve(spec: InstanceSpec): Promise<string> {
  const { registry, service, id, port = 0, delayMs = 0, failShare = 0, ttlSeconds } = spec;
  const random = seededRandom(id.length);
  const answer = async (userId: string) => {
    attempts += 1;
    if (failShare > 0 && random() < failShare) throw new ServerError(Status.UNAVAILABLE, 'told to');
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return user(userId);
  };
  mesh ??= createMesh({ registry });
  const host = await mesh.serve({
    name: service,
    id,
    port,
    ttlSeconds,
    handleSignals: false,
    routes: [
      route(UserServiceDefinition, {
        getUser: ({ id: userId }) => answer(userId),
        createUser: ({ name }) => answer(name),
        listUsers: async () => ({ users: [], nextPageToken: '' }),
      }),
    ],
  });
  hosts.push(host);
  await host.registered();
  return host.address;
}

answerCommands({
  serve,
  /** Attempts that reached this process since it was asked last. */
  takeAttempts() {
    const taken = attempts;
    attempts = 0;
    return taken;
  },
  /** Leaves in order. */
  async leave() {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  },
});
