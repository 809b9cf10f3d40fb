import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { RegisterRequest } from '@weft/proto/registry';
import { MemoryStore, type Registry } from '@weft/registry';
import { createRegistryClient, createTestRegistry } from '../../support/registry.ts';
import { itWithstandsWrongBytes } from '../../support/wire-input.ts';

/** Counts what gets as far as the store. */
class CountingStore extends MemoryStore {
  registrations = 0;

  override async register(...args: Parameters<MemoryStore['register']>) {
    this.registrations += 1;
    // Long enough for a deadline that is over at once to be seen.
    await sleep(20);
    return super.register(...args);
  }
}

describe('what reaches the registry', () => {
  const store = new CountingStore();
  let registry: Registry;

  beforeAll(async () => {
    registry = await createTestRegistry({ store });
  });

  afterAll(() => registry.close());

  itWithstandsWrongBytes(() => ({
    address: registry.address,
    path: '/weft.registry.v1.RegistryService/Register',
    request: RegisterRequest.encode(
      RegisterRequest.create({
        instance: { service: 'user', address: { host: '127.0.0.1', port: 5000 } },
        ttlSeconds: 60,
      }),
    ).finish(),
    calls: () => store.registrations,
    async assertAlive() {
      const { client, close } = createRegistryClient(registry.address);
      const { services } = await client.listServices({});
      close();
      expect(services.every(({ name }) => name === 'user')).toBe(true);
    },
  }));
});
