import { createMesh, type Mesh, type MeshOptions, type ServeOptions } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry, RegistryOptions } from '@weft/registry';
import { type EchoInstance, serveEcho } from './echo-service.ts';
import { eventually } from './eventually.ts';
import { createRegistryClient, createTestRegistry } from './registry.ts';

type Admin = ReturnType<typeof createRegistryClient>;
type Description = NonNullable<Parameters<Admin['client']['register']>[0]['instance']>;

/** A registry and what takes part in it, for one test file: `clear` after each test, `close` at the end. */
export class TestMesh {
  readonly registry: Registry;
  /** Offers the instances of `serve`. */
  readonly host: Mesh;
  readonly #admin: Admin;
  readonly #cleanup: (() => unknown)[] = [];

  private constructor(registry: Registry) {
    this.registry = registry;
    this.host = createMesh({ registry: registry.address });
    this.#admin = createRegistryClient(registry.address);
  }

  static async start(options: RegistryOptions = {}): Promise<TestMesh> {
    return new TestMesh(await createTestRegistry(options));
  }

  /** Runs `undo` when the test is over, the last one first. */
  defer(undo: () => unknown): void {
    this.#cleanup.push(undo);
  }

  /** Another process's part in the mesh, as it were. */
  join(options: MeshOptions = {}): Mesh {
    const mesh = createMesh({ registry: this.registry.address, ...options });
    this.defer(() => mesh.close());
    return mesh;
  }

  /** A client of an echo service, in a mesh of its own. */
  users(service: string, options: MeshOptions = {}): EchoClient {
    return usersOf(this.join(options), service);
  }

  /** Echo instances of `service`, listed. */
  async serve(
    service: string,
    ids: readonly string[],
    options: Partial<ServeOptions> = {},
  ): Promise<EchoInstance[]> {
    const serveOne = (id: string) => serveEcho(this.host, id, { name: service, ...options });
    const started = await Promise.all(ids.map(serveOne));
    this.defer(() => Promise.all(started.map(({ host }) => host.close())));
    await Promise.all(started.map(({ host }) => host.registered()));
    return started;
  }

  /** Lists an instance at a port of this machine by hand, whatever is there. Answers what takes it back. */
  async list(port: number, instance: Description & { service: string; id: string }) {
    const address = { host: '127.0.0.1', port };
    const { client } = this.#admin;
    await client.register({ instance: { address, ...instance }, ttlSeconds: 600 });
    const { service, id } = instance;
    const remove = () => client.deregister({ service, id });
    this.defer(remove);
    return remove;
  }

  /** The registry, asked straight. */
  get admin(): Admin['client'] {
    return this.#admin.client;
  }

  async clear(): Promise<void> {
    for (const undo of this.#cleanup.splice(0).reverse()) await undo();
  }

  async close(): Promise<void> {
    await this.clear();
    this.host.close();
    this.#admin.close();
    await this.registry.close();
  }
}

export function usersOf(mesh: Mesh, service: string) {
  return mesh.client(UserServiceDefinition, { service });
}

export type EchoClient = ReturnType<typeof usersOf>;

/** Calls until each of `started` has answered, so that all connections are made; then counts anew. */
export async function warmUp(users: EchoClient, started: readonly EchoInstance[]): Promise<void> {
  await eventually(async () => {
    await Promise.all(
      started.map(() => users.getUser({ id: 'warm' }, { hashKey: String(Math.random()) })),
    );
    for (const { calls } of started) if (calls === 0) throw new Error('not all are connected');
  });
  for (const instance of started) instance.calls = 0;
}
