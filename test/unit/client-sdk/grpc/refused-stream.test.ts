import { constants, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { CreateUserResponse, UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { createRegistryClient, createTestRegistry } from '../../../support/registry.ts';
import { instance } from '../fixtures.ts';

let registry: Registry;

beforeAll(async () => {
  registry = await createTestRegistry();
});

afterAll(() => registry.close());

/** A user-service over bare HTTP/2 that refuses the first `refusals` streams before it looks at them. */
async function createRefusingServer(refusals: number) {
  const sessions = new Set<ServerHttp2Session>();
  let streams = 0;
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    streams += 1;
    stream.on('error', () => {});
    if (streams <= refusals) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const message = CreateUserResponse.encode(
      CreateUserResponse.fromPartial({ user: { name: 'served' } }),
    ).finish();
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(frame);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get streams() {
      return streams;
    },
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a stream that the server refused before it looked at it (F27)', () => {
  it('is sent again, even of a write and to the only instance', async () => {
    const server = await createRefusingServer(1);
    const { client, close } = createRegistryClient(registry.address);
    const mesh = createMesh({ registry: registry.address });
    try {
      const address = { host: '127.0.0.1', port: server.port };
      const listed = { ...instance('a', { address, service: 'refusing' }), leaseId: 0n };
      await client.register({ instance: listed, ttlSeconds: 60 });
      const users = mesh.client(UserServiceDefinition, { service: 'refusing' });
      expect((await users.createUser({ name: 'x' })).user?.name).toBe('served');
      expect(server.streams).toBe(2);
    } finally {
      mesh.close();
      close();
      await server.close();
    }
  });
});
