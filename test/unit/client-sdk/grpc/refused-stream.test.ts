import { constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { CreateUserResponse, UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { answerOk, startRawServer } from '../../../support/raw-server.ts';
import { createRegistryClient, createTestRegistry } from '../../../support/registry.ts';
import { instance } from '../fixtures.ts';

let registry: Registry;

beforeAll(async () => {
  registry = await createTestRegistry();
});

afterAll(() => registry.close());

/** A user-service over bare HTTP/2 that refuses the first `refusals` streams before it looks at them. */
async function createRefusingServer(refusals: number) {
  const counts = { streams: 0 };
  const message = CreateUserResponse.encode(
    CreateUserResponse.fromPartial({ user: { name: 'served' } }),
  ).finish();
  const server = await startRawServer((stream) => {
    counts.streams += 1;
    if (counts.streams <= refusals) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answerOk(stream, message);
  });
  return Object.assign(counts, server);
}

describe('a stream that the server refused before it looked at it (F27)', () => {
  // gRPC itself repeats such a call once.
  it.each([1, 4])(
    'is sent again, even of a write and to the only instance, %i times',
    async (times) => {
      const server = await createRefusingServer(times);
      const { client, close } = createRegistryClient(registry.address);
      const mesh = createMesh({ registry: registry.address });
      try {
        const address = { host: '127.0.0.1', port: server.port };
        const listed = { ...instance('a', { address, service: 'refusing' }), leaseId: 0n };
        await client.register({ instance: listed, ttlSeconds: 60 });
        const users = mesh.client(UserServiceDefinition, { service: 'refusing' });
        expect((await users.createUser({ name: 'x' })).user?.name).toBe('served');
        expect(server.streams).toBe(times + 1);
      } finally {
        mesh.close();
        close();
        await server.close();
      }
    },
  );
});
