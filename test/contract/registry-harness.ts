import { afterAll, beforeAll } from '@jest/globals';
import type { RegistryServiceClient } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { createRegistryClient } from '../support/registry.ts';

type Client = ReturnType<typeof createRegistryClient>['client'];
export type Register = Parameters<RegistryServiceClient['register']>[0];

export const at = (port: number) => ({ host: '127.0.0.1', port });

export const labels = (count: number, value = '') =>
  new Map(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

/** All that a stream brings. */
export async function drain<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** A registry for the tests of one `describe`, and requests to it; each test uses a service of its own. */
export class RegistryHarness {
  #registry: Registry | undefined;
  #connection: ReturnType<typeof createRegistryClient> | undefined;
  #count = 0;

  constructor(create: () => Promise<Registry>) {
    beforeAll(async () => {
      this.#registry = await create();
      this.#connection = createRegistryClient(this.#registry.address);
    });
    afterAll(async () => {
      this.#connection?.close();
      await this.#registry?.close();
    });
  }

  get address(): string {
    return this.#registry?.address ?? '';
  }

  get client(): Client {
    if (this.#connection === undefined) throw new Error('not started yet');
    return this.#connection.client;
  }

  /** The service of the test that runs. */
  get service(): string {
    return `s${this.#count}`;
  }

  /** A valid request for the service of this test. */
  request(over: Register['instance'] = {}): Register {
    return { instance: { service: this.service, id: 'a', address: at(5000), ...over } };
  }

  /** Goes on to another service; a valid request for it. */
  next(over: Register['instance'] = {}): Register {
    this.#count += 1;
    return this.request(over);
  }

  async register(over: Register['instance'] = {}) {
    const { instance } = await this.client.register(this.request(over));
    if (instance === undefined) throw new Error('no instance was answered');
    return instance;
  }

  async total(): Promise<number> {
    return (await this.client.listInstances({ pageSize: 1000 })).instances.length;
  }
}
