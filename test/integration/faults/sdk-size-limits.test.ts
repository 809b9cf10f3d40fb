import { gzipSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type MeshOptions, type ServeOptions, Status } from '@weft/client-sdk';
import { GetUserResponse, UserServiceDefinition } from '@weft/proto/user';
import { Metadata, ServerError } from 'nice-grpc';
import { eventually } from '../../support/eventually.ts';
import { framed } from '../../support/raw-grpc.ts';
import { startRawServer } from '../../support/raw-server.ts';
import { scripted, scriptedService } from '../../support/scripted-service.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh, usersOf } from '../../support/test-mesh.ts';

const MIB = 1024 * 1024;

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

/** A client of one scripted instance. */
async function one(service: string, client: MeshOptions, server: Partial<ServeOptions> = {}) {
  const host = await stage.host.serve({ ...scriptedService(service, 'a'), ...server });
  stage.defer(() => host.close());
  await host.registered();
  const mesh = stage.join(client);
  return { mesh, users: usersOf(mesh, service) };
}

const entries = (bytes: number) => {
  const metadata = Metadata();
  // Key, value and 32 bytes more: 100 for each.
  for (let i = 0; i < bytes / 100; i += 1) metadata.set(`key-${1000 + i}`, 'x'.repeat(60));
  return metadata;
};

const sized = (bytes: number) => ({ name: scripted({ bytes }) });
const tooLarge = (details: string) => ({
  code: Status.RESOURCE_EXHAUSTED,
  details: expect.stringContaining(details),
});

describe('B5: the limit of a client', () => {
  it('for a message that it receives is set per service, method, client and call', async () => {
    const { mesh, users } = await one(
      'receiving',
      {
        maxReceiveMessageBytes: 10_000,
        services: { receiving: { methods: { ListUsers: { maxReceiveMessageBytes: 1024 } } } },
      },
      {},
    );
    await expect(users.createUser(sized(20_000))).rejects.toMatchObject(
      tooLarge(
        'bytes is larger than maxReceiveMessageBytes (10000); ' +
          'raise it in the policy of receiving or the options of the call',
      ),
    );
    await users.createUser(sized(20_000), { maxReceiveMessageBytes: 30_000 });
    await users.createUser(sized(9000));
    const policy = { maxReceiveMessageBytes: 5000 };
    const narrow = mesh.client(UserServiceDefinition, { service: 'receiving', policy });
    await expect(narrow.createUser(sized(9000))).rejects.toMatchObject(
      tooLarge('maxReceiveMessageBytes (5000)'),
    );
    const contract = UserServiceDefinition;
    const path = '/user.v1.UserService/GetUser';
    const id = scripted({ bytes: 20_000 });
    await expect(
      stubCall(mesh.channel('receiving', { contract }), path, {}, id),
    ).rejects.toMatchObject(tooLarge('maxReceiveMessageBytes (10000)'));
    mesh.configure('receiving', { maxReceiveMessageBytes: 50_000 });
    await users.createUser(sized(20_000));
    expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
  });

  it('for a message that it receives may be larger than 4 MiB', async () => {
    const { users } = await one('large', {}, { maxSendMessageBytes: 16 * MIB });
    await expect(users.createUser(sized(6 * MIB))).rejects.toMatchObject(
      tooLarge('maxReceiveMessageBytes (4194304)'),
    );
    const { user } = await users.createUser(sized(6 * MIB), { maxReceiveMessageBytes: 8 * MIB });
    expect(user?.name).toHaveLength(6 * MIB);
  });

  it('for a message that it receives ends no later call on the same connection', async () => {
    const { users } = await one('often-too-large', {}, { maxSendMessageBytes: 8 * MIB });
    for (let i = 0; i < 20; i += 1) {
      await expect(users.createUser(sized(5 * MIB))).rejects.toMatchObject(
        tooLarge('is larger than maxReceiveMessageBytes (4194304)'),
      );
    }
    await users.createUser(sized(10));
  });

  it('for a message that it sends stops the call before the handler runs', async () => {
    const { users } = await one('sending', { maxSendMessageBytes: 10_000 });
    await expect(users.createUser({ name: 'x'.repeat(20_000) })).rejects.toMatchObject(
      tooLarge('the request message of 20004 bytes is larger than maxSendMessageBytes (10000)'),
    );
    await users.createUser({ name: 'x'.repeat(20_000) }, { maxSendMessageBytes: 30_000 });
  });

  it('for metadata that it sends stops the call before anything is sent', async () => {
    const { users } = await one('sent-metadata', { maxSendMetadataBytes: 2000 });
    let attempts: unknown;
    await expect(
      users.createUser(
        {},
        { metadata: entries(3000), onReport: (report) => (attempts = report.attempts) },
      ),
    ).rejects.toMatchObject(
      tooLarge('the request metadata of 3000 bytes is larger than maxSendMetadataBytes (2000)'),
    );
    expect(attempts).toEqual([]);
    await users.createUser({}, { metadata: entries(3000), maxSendMetadataBytes: 4000 });
    // B3: Node's own limit of 128 entries does not stand in the way.
    await users.createUser({}, { metadata: entries(30_000), maxSendMetadataBytes: 32_000 });
  });

  it('for metadata that it receives holds for headers and trailers', async () => {
    const service = 'received-metadata';
    const { users } = await one(
      service,
      { maxReceiveMetadataBytes: 2000 },
      {
        routes: scriptedService(service, 'a').routes.map(({ definition }) => ({
          definition,
          implementation: {
            async getUser(_: unknown, { header }: { header: Metadata }) {
              for (const [key, value] of entries(3000)) header.set(key, value as string[]);
              return {};
            },
            async createUser(_: unknown, { trailer }: { trailer: Metadata }) {
              for (const [key, value] of entries(3000)) trailer.set(key, value as string[]);
              throw new ServerError(Status.NOT_FOUND, 'as told');
            },
            listUsers: async () => ({ users: [], nextPageToken: '' }),
          },
        })),
      },
    );
    const limit = 'is larger than maxReceiveMetadataBytes (2000)';
    await expect(users.getUser({})).rejects.toMatchObject(
      tooLarge(`the response metadata of 3000 bytes ${limit}`),
    );
    await expect(users.createUser({})).rejects.toMatchObject(
      tooLarge(`the trailing metadata of 3000 bytes ${limit}`),
    );
    const raised = { maxReceiveMetadataBytes: 4000 };
    await users.getUser({}, raised);
    await expect(users.createUser({}, raised)).rejects.toMatchObject({ code: Status.NOT_FOUND });
  });

  it('holds for a message after it is decompressed', async () => {
    const message = GetUserResponse.encode(
      GetUserResponse.fromPartial({ user: { name: 'x'.repeat(2 * MIB) } }),
    ).finish();
    const server = await startRawServer((stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-encoding': 'gzip' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.resume();
      stream.end(framed(gzipSync(message), { isCompressed: true }));
    });
    stage.defer(() => server.close());
    await stage.list(server.port, { service: 'compressed', id: 'raw' });
    const users = stage.users('compressed', { maxReceiveMessageBytes: 1 * MIB });
    await eventually(async () => {
      const { user } = await users.createUser({}, { maxReceiveMessageBytes: 3 * MIB });
      expect(user?.name).toHaveLength(2 * MIB);
    });
    await expect(users.createUser({})).rejects.toMatchObject(
      tooLarge('a response message is larger than maxReceiveMessageBytes (1048576)'),
    );
  });

  it('is refused if it is no such number, at the call and at the start', async () => {
    const { mesh, users } = await one('wrong', {});
    await expect(users.createUser({}, { maxSendMessageBytes: 5 })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'maxSendMessageBytes must be a whole number from 1024 to 1073741824 (bytes), not 5',
    });
    expect(() => mesh.configure('wrong', { maxSendMetadataBytes: 70_000 })).toThrow(
      'services.wrong.maxSendMetadataBytes must be a whole number from 1024 to 61440 (bytes)',
    );
  });
});

describe('B5: the limit of a server', () => {
  it('for messages is named in the error, for both directions', async () => {
    const { users } = await one(
      'server-messages',
      { maxSendMessageBytes: 8 * MIB, maxReceiveMessageBytes: 8 * MIB },
      { maxReceiveMessageBytes: 10_000, maxSendMessageBytes: 20_000 },
    );
    await expect(users.createUser({ name: 'x'.repeat(11_000) })).rejects.toMatchObject(
      tooLarge(
        'a request message of 11003 bytes is larger than maxReceiveMessageBytes (10000); ' +
          'raise it in the options of the server',
      ),
    );
    await expect(users.createUser(sized(30_000))).rejects.toMatchObject(
      tooLarge('larger than maxSendMessageBytes (20000); raise it in the options of the server'),
    );
    await users.createUser(sized(19_000));
  });

  it('for metadata is named in the error, for both directions', async () => {
    const service = 'server-metadata';
    const { users } = await one(
      service,
      {},
      {
        maxReceiveMetadataBytes: 2000,
        maxSendMetadataBytes: 1500,
        routes: scriptedService(service, 'a').routes.map(({ definition }) => ({
          definition,
          implementation: {
            async getUser({ id }: { id: string }, context: { header: Metadata }) {
              for (const [key, value] of entries(Number(id))) {
                context.header.set(key, value as string[]);
              }
              return {};
            },
            async createUser({ name }: { name: string }, context: { trailer: Metadata }) {
              for (const [key, value] of entries(Number(name))) {
                context.trailer.set(key, value as string[]);
              }
              return {};
            },
            listUsers: async () => ({ users: [], nextPageToken: '' }),
          },
        })),
      },
    );
    await users.getUser({ id: '1400' }, { metadata: entries(1900) });
    await expect(users.getUser({ id: '0' }, { metadata: entries(3000) })).rejects.toMatchObject(
      tooLarge('the request metadata of 3000 bytes is larger than maxReceiveMetadataBytes (2000)'),
    );
    await expect(users.getUser({ id: '1600' })).rejects.toMatchObject(
      tooLarge('the response metadata of 1600 bytes is larger than maxSendMetadataBytes (1500)'),
    );
    await expect(users.createUser({ name: '1600' })).rejects.toMatchObject(
      tooLarge('the trailing metadata of 1600 bytes is larger than maxSendMetadataBytes (1500)'),
    );
    await users.getUser({ id: '1400' });
  });
});

describe('K1: a header that HTTP/2 cannot carry', () => {
  const names = [
    'connection',
    'keep-alive',
    'transfer-encoding',
    'upgrade',
    'http2-settings',
    'proxy-connection',
    'content-length',
    'grpc-timeout',
  ];

  it.each(names)('%s fails the call that has it, and no other', async (name) => {
    const service = `header-${name.replaceAll(/[^a-z0-9]/g, '-')}`;
    const { mesh, users } = await one(service, {});
    await eventually(() => users.createUser({}));
    const slow = Array.from({ length: 8 }, () =>
      users.createUser({ name: scripted({ sleepMs: 100 }) }),
    );
    const refused = {
      code: Status.INVALID_ARGUMENT,
      details: expect.stringMatching(`metadata key '${name}' .* leave it out$`),
    };
    const metadata = Metadata({ [name]: '1' });
    let attempts: unknown;
    const onReport = (report: { attempts: unknown }) => (attempts = report.attempts);
    await expect(users.createUser({}, { metadata, onReport })).rejects.toMatchObject(refused);
    expect(attempts).toEqual([]);
    await expect(users.getUser({}, { metadata })).rejects.toMatchObject(refused);
    const contract = UserServiceDefinition;
    const channel = mesh.channel(service, { contract });
    await expect(
      stubCall(channel, '/user.v1.UserService/GetUser', { [name]: '1' }),
    ).rejects.toMatchObject(refused);
    await Promise.all(slow);
    expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
  });

  it('that may have one value fails with two, from a grpc-js stub', async () => {
    const { mesh, users } = await one('two-values', {});
    await users.createUser({});
    const channel = mesh.channel('two-values', { contract: UserServiceDefinition });
    const get = (headers: Record<string, readonly string[]>) =>
      stubCall(channel, '/user.v1.UserService/GetUser', headers);
    await expect(get({ authorization: ['a', 'b'] })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: "metadata key 'authorization' has 2 values, and HTTP allows one; send one",
    });
    await get({ authorization: ['a'], 'x-own': ['a', 'b'] });
    expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
  });

  it('set by a handler ends its call INTERNAL, and the process lives', async () => {
    const service = 'header-of-a-handler';
    const { users } = await one(
      service,
      {},
      {
        routes: scriptedService(service, 'a').routes.map(({ definition }) => ({
          definition,
          implementation: {
            async getUser(_: unknown, { header }: { header: Metadata }) {
              header.set('connection', 'close');
              return {};
            },
            async createUser(_: unknown, { trailer }: { trailer: Metadata }) {
              trailer.set('transfer-encoding', 'chunked');
              return {};
            },
            listUsers: async () => ({ users: [], nextPageToken: '' }),
          },
        })),
      },
    );
    const broken = (name: string) => ({
      code: Status.INTERNAL,
      details: expect.stringContaining(`metadata key '${name}'`),
    });
    await expect(users.getUser({})).rejects.toMatchObject(broken('connection'));
    await expect(users.createUser({})).rejects.toMatchObject(broken('transfer-encoding'));
    await users.listUsers({});
  });
});
