import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Registry } from '@weft/registry';
import { openRenewalStream } from '../../../../client-sdk/src/registration/renewal.ts';
import { createRegistryClient, createTestRegistry } from '../../../support/registry.ts';
import { instance } from '../fixtures.ts';

let registry: Registry;
let client: ReturnType<typeof createRegistryClient>;

beforeEach(async () => {
  registry = await createTestRegistry();
  client = createRegistryClient(registry.address);
});

afterEach(async () => {
  client.close();
  await registry.close();
});

describe('openRenewalStream', () => {
  it('renews again and again over one stream, and answers 0 for a lease that is gone', async () => {
    const { leaseId, ttlSeconds } = await client.client.register({
      instance: { ...instance('a'), leaseId: 0n },
      ttlSeconds: 5,
    });
    const stream = openRenewalStream(client.client);
    try {
      for (let i = 0; i < 20; i += 1) expect(await stream.renew(leaseId, 2000)).toBe(ttlSeconds);
      await client.client.deregister({ service: 'echo', id: 'a', leaseId });
      expect(await stream.renew(leaseId, 2000)).toBe(0);
      expect(await stream.renew(12_345n, 2000)).toBe(0);
    } finally {
      stream.close();
    }
  });

  it('throws when the registry goes away', async () => {
    const stream = openRenewalStream(client.client);
    expect(await stream.renew(1n, 2000)).toBe(0);
    await registry.close();
    await expect(stream.renew(1n, 2000)).rejects.toThrow();
    stream.close();
  });

  it('can be closed unused, and twice', async () => {
    const stream = openRenewalStream(client.client);
    stream.close();
    stream.close();
    await expect(stream.renew(1n, 1000)).rejects.toThrow();
  });
});
