import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RegisterRequest } from '@weft/proto/registry';
import { MemoryStore } from '@weft/registry';
import type { CallContext } from 'nice-grpc';
import { registrationHandlers } from '../../../registry/src/registration-handlers.ts';

describe('a loopback address', () => {
  let store: MemoryStore;
  beforeEach(() => {
    store = new MemoryStore();
  });
  afterEach(() => store.close());

  function registerFrom(peer: string, host: string) {
    const handlers = registrationHandlers(store, new AbortController().signal);
    const request = RegisterRequest.create({
      instance: { service: 'user', id: 'a', address: { host, port: 5000 } },
    });
    return handlers.register(request, { peer } as CallContext);
  }

  it.each(['127.0.0.1', '::1', 'localhost', 'a.LOCALHOST', '::ffff:127.0.0.1'])(
    'B9: %s is taken from this machine only',
    async (host) => {
      await expect(registerFrom('192.0.2.1:4711', host)).rejects.toThrow(
        /instance\.address\.host: is a loopback address/,
      );
      expect(store.catalog.services).toEqual([]);
      await registerFrom('127.0.0.1:4711', host);
      expect(store.catalog.services).toEqual(['user']);
    },
  );

  it('is no matter for an address that others can reach', async () => {
    await registerFrom('192.0.2.1:4711', '192.0.2.1');
    expect(store.catalog.services).toEqual(['user']);
  });
});
