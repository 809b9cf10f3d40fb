import { connect, constants, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headerFault } from '@weft/proto';

const server = createServer();

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Every header that Node knows, without those of the request line and those that gRPC overwrites. */
const names = Object.entries(constants)
  .filter(([constant]) => constant.startsWith('HTTP2_HEADER_'))
  .map(([, name]) => String(name))
  .filter((name) => !name.startsWith(':') && !['te', 'user-agent', 'content-type'].includes(name));

describe('headerFault', () => {
  it('K1: finds every header that Node refuses to send', async () => {
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    session.on('error', () => {});
    await new Promise((resolve) => session.once('connect', resolve));
    try {
      for (const name of [...names, 'x-own', 'a:b', 'dnt', 'tk']) {
        for (const values of [['1'], ['1', '2']]) {
          const metadata = new Metadata();
          for (const value of values) metadata.add(name, value);
          const isRefused = !canSend(() =>
            session.request({ ':path': '/', ...metadata.toHttp2Headers() }),
          );
          if (!isRefused) continue;
          expect([name, values, headerFault(metadata)]).toEqual([name, values, expect.any(String)]);
        }
      }
    } finally {
      session.destroy();
    }
  });

  it('lets pass what an application sends', () => {
    const metadata = new Metadata();
    for (const key of ['authorization', 'host', 'x-request-id', 'traceparent', 'cookie']) {
      metadata.set(key, '1');
    }
    metadata.add('x-own', '1');
    metadata.add('x-own', '2');
    metadata.set('own-bin', Buffer.from([0, 255]));
    expect(headerFault(metadata)).toBeUndefined();
  });
});

function canSend(send: () => { on(event: 'error', listener: () => void): unknown }): boolean {
  try {
    send().on('error', () => {});
    return true;
  } catch {
    return false;
  }
}
