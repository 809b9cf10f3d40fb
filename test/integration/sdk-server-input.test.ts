import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh, Status } from '@weft/client-sdk';
import { GetUserRequest, UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient } from 'nice-grpc';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { framed, rawCall } from '../support/raw-grpc.ts';

const GET_USER = '/user.v1.UserService/GetUser';

let mesh: Mesh;
let echo: EchoInstance;

beforeAll(async () => {
  // A registry that is not there: a service starts and answers all the same.
  mesh = createMesh({ registry: '127.0.0.1:1' });
  echo = await serveEcho(mesh, 'a');
});

afterAll(async () => {
  await echo.host.close();
  mesh.close();
});

afterEach(async () => {
  // Whatever came in, the next call is answered.
  const channel = createChannel(echo.host.address);
  const { user } = await createClient(UserServiceDefinition, channel).getUser({ id: 'alive' });
  channel.close();
  expect(user?.name).toBe('a');
  echo.calls = 0;
});

const request = framed(GetUserRequest.encode({ id: 'x' }).finish());

function getUser(options: Parameters<typeof rawCall>[2]) {
  return rawCall(echo.host.address, GET_USER, { body: request, ...options });
}

describe('what reaches a service', () => {
  it('answers a call made by hand', async () => {
    expect(await getUser({})).toEqual({ code: Status.OK, details: 'OK' });
  });

  it.each([
    ['a field cut short', Buffer.from([0x0a, 0x7f, 0x61])],
    ['a varint without end', Buffer.alloc(12, 0xff)],
  ])('B24: %s is an error that says so, and no handler runs', async (_what, bytes) => {
    const { code, details } = await getUser({ body: framed(bytes) });
    expect(code).toBe(Status.INTERNAL);
    expect(details).toBe('Error deserializing request');
    expect(echo.calls).toBe(0);
  });

  it('B25: a message over 4 MiB is refused', async () => {
    const head = framed(Buffer.alloc(0));
    head.writeUInt32BE(4 * 1024 * 1024 + 1, 1);
    const { code, details } = await getUser({ body: Buffer.concat([head, Buffer.alloc(65_536)]) });
    expect(code).toBe(Status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/larger/);
    expect(echo.calls).toBe(0);
  });

  it('B26: a small message that unpacks to 64 MiB is refused', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { isCompressed: true });
    const { code, details } = await getUser({ body: bomb, headers: { 'grpc-encoding': 'gzip' } });
    expect(code).toBe(Status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/decompresses to a size larger/);
    expect(echo.calls).toBe(0);
  });

  it('B26: what only claims to be packed is an error', async () => {
    const body = framed(Buffer.from('not gzip'), { isCompressed: true });
    const { code } = await getUser({ body, headers: { 'grpc-encoding': 'gzip' } });
    expect(code).toBe(Status.INTERNAL);
  });

  it.each([
    ['nothing at all', Buffer.alloc(0)],
    ['half a frame header', Buffer.from([0, 0])],
    ['two messages for one', Buffer.concat([request, request])],
  ])('B27: %s ends the call, and no handler runs', async (_what, body) => {
    const { code } = await getUser({ body });
    expect(code).toBe(Status.UNIMPLEMENTED);
    expect(echo.calls).toBe(0);
  });

  it('B28: headers of 64 kB are refused', async () => {
    const { code } = await getUser({ headers: { 'x-large': 'x'.repeat(65_536) } });
    expect(code).toBeUndefined();
    expect(echo.calls).toBe(0);
  });

  it.each(['0m', '0n', '0S'])('B29: %s is past before any work', async (timeout) => {
    const { code } = await getUser({ headers: { 'grpc-timeout': timeout } });
    expect(code).toBe(Status.DEADLINE_EXCEEDED);
    expect(echo.calls).toBe(0);
  });

  it.each(['99999999H', '2592000S', '1193H'])('B30: %s is as good as none', async (timeout) => {
    echo.behaviour.delayMs = 20;
    const { code } = await getUser({ headers: { 'grpc-timeout': timeout } });
    expect(code).toBe(Status.OK);
    echo.behaviour.delayMs = 0;
  });

  it('B31: an unknown method is UNIMPLEMENTED', async () => {
    const { code, details } = await rawCall(echo.host.address, '/user.v1.UserService/Fly', {});
    expect(code).toBe(Status.UNIMPLEMENTED);
    expect(details).toMatch(/Fly/);
  });
});
