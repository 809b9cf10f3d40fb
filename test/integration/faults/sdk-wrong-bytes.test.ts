import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh, Status } from '@weft/client-sdk';
import { HealthDefinition } from '@weft/proto/health';
import { ServerReflectionResponse } from '@weft/proto/reflection';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { eventually } from '../../support/eventually.ts';
import { answerOk, startRawServer } from '../../support/raw-server.ts';
import { createRegistryClient, createTestRegistry } from '../../support/registry.ts';
import { instance } from '../../unit/client-sdk/fixtures.ts';

/** A server that ends every call NOT_FOUND, with details that are no google.rpc.Status. */
function failWithWrongDetails(stream: ServerHttp2Stream): void {
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '5',
      'grpc-message': 'none',
      'grpc-status-details-bin': Buffer.from([255, 255, 255]).toString('base64'),
    },
    { endStream: true },
  );
}

/** A server that answers every call OK, with bytes that are no message. */
function answerWithWrongBytes(stream: ServerHttp2Stream): void {
  answerOk(stream, Buffer.from([255, 255, 255]));
}

/** A server that offers one service, and describes it with bytes that are no description. */
function describeWithWrongBytes(): (stream: ServerHttp2Stream) => void {
  const answers = [
    { listServicesResponse: { service: [{ name: 'wrong.v1.WrongService' }] } },
    { fileDescriptorResponse: { fileDescriptorProto: [Buffer.from([255, 255, 255])] } },
  ];
  return (stream) => {
    answerOk(
      stream,
      ServerReflectionResponse.encode(
        ServerReflectionResponse.fromPartial(answers.shift() ?? {}),
      ).finish(),
    );
  };
}

let registry: Registry;
let mesh: Mesh;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown) => uncaught.push(error);
const closers: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
  uncaught.length = 0;
  process.on('uncaughtException', onUncaught);
});

afterEach(async () => {
  process.off('uncaughtException', onUncaught);
  mesh.close();
  for (const close of closers.splice(0)) await close();
  await registry.close();
});

async function offer(answer: (stream: ServerHttp2Stream) => void): Promise<number> {
  const server = await startRawServer(answer);
  closers.push(server.close);
  const { client, close } = createRegistryClient(registry.address);
  closers.push(close);
  const address = { host: '127.0.0.1', port: server.port };
  await client.register({
    instance: { ...instance('wrong', { address }), service: 'wrong', leaseId: 0n },
    ttlSeconds: 60,
  });
  return server.port;
}

describe('B24: a peer that sends wrong bytes', () => {
  it('ends a unary call with its own status when its details cannot be decoded', async () => {
    await offer(failWithWrongDetails);
    const users = mesh.client(UserServiceDefinition, { service: 'wrong' });
    await expect(users.getUser({ id: 'x' })).rejects.toMatchObject({
      name: 'ClientError',
      code: Status.NOT_FOUND,
      details: 'none',
    });
    expect(uncaught).toEqual([]);
  });

  it('ends a stream with its own status, and not the process', async () => {
    await offer(failWithWrongDetails);
    const health = mesh.client(HealthDefinition, { service: 'wrong' });
    const read = async () => {
      for await (const _ of health.watch({})) expect(_).toBeUndefined();
    };
    await expect(read()).rejects.toMatchObject({ code: Status.NOT_FOUND, details: 'none' });
    expect(uncaught).toEqual([]);
  });

  it('fails a call INTERNAL when its response is no such message', async () => {
    await offer(answerWithWrongBytes);
    const users = mesh.client(UserServiceDefinition, { service: 'wrong' });
    await expect(users.createUser({ name: 'x' })).rejects.toMatchObject({
      name: 'ClientError',
      code: Status.INTERNAL,
      details: expect.stringMatching(/^the response of 3 bytes cannot be decoded: /),
    });
  });

  it('says that a contract learnt by reflection cannot be understood', async () => {
    await offer(describeWithWrongBytes());
    await expect(mesh.call('wrong', 'Anything', {})).rejects.toMatchObject({
      code: 'REFLECTION_FAILED',
      message: expect.stringMatching(/cannot be understood: ./),
    });
  });

  it('as a registry leaves its clients to another replica', async () => {
    const wrong = await startRawServer(failWithWrongDetails);
    closers.push(wrong.close);
    await offer(answerWithWrongBytes);
    const both = [`127.0.0.1:${wrong.port}`, registry.address];
    for (let i = 0; i < 4; i += 1) {
      const caller = createMesh({ registry: both });
      closers.push(() => caller.close());
      await eventually(async () => {
        expect((await caller.discover('wrong')).instances).toHaveLength(1);
      });
    }
    expect(uncaught).toEqual([]);
  });
});
