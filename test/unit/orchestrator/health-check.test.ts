import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { GrpcServer, ServingStatus, silentLog } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { createServer as createGrpcServer } from 'nice-grpc';
import { freePort } from '../../../orchestrator/src/process/ports.ts';
import {
  addressOf,
  createHealthCheck,
  type HealthMethod,
} from '../../../orchestrator/src/registered/health-check.ts';
import { parseHealth } from '../../../orchestrator/src/registered/parse-health.ts';

const host = '127.0.0.1';
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  cleanup.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function findingAt(port: number, method: HealthMethod, timeoutMs = 2000) {
  const check = createHealthCheck(method, { host, port });
  try {
    return await check.look(timeoutMs);
  } finally {
    check.close();
  }
}

describe('a health check by HTTP', () => {
  it('passes for 2xx and 3xx, and gets the path', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer(({ url }, response) => {
      paths.push(url);
      response.writeHead(Number(url?.slice(1)), { location: '/elsewhere' }).end('x');
    });
    const port = await listening(server);
    const look = (path: string) => findingAt(port, { type: 'http', service: '', path });
    expect(await Promise.all(['/200', '/204', '/302'].map(look))).toEqual(
      Array.from({ length: 3 }, () => 'serving'),
    );
    expect(await Promise.all(['/404', '/503'].map(look))).toEqual(['refusing', 'refusing']);
    expect(paths.sort()).toEqual(['/200', '/204', '/302', '/404', '/503']);
  });

  it('is silent when no response comes in time, or nobody listens', async () => {
    const server = createServer(() => {});
    const port = await listening(server);
    cleanup.push(() => server.closeAllConnections());
    const method = { type: 'http', service: '', path: '/' } as const;
    expect(await findingAt(port, method, 100)).toBe('silent');
    expect(await findingAt(await freePort(host), method)).toBe('silent');
  });

  it('keeps no connection, which would occupy a server that handles one at a time', async () => {
    const server = createServer((_, response) => response.end());
    const port = await listening(server);
    const check = createHealthCheck({ type: 'http', service: '', path: '/' }, { host, port });
    await check.look(2000);
    const count = await new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    expect(count).toBeLessThanOrEqual(1);
    // It ends without anybody closing its connections: none is kept.
    await new Promise((resolve) => server.close(resolve));
    cleanup.pop();
  });
});

it('a health check by TCP passes if a connection is accepted', async () => {
  const method = { type: 'tcp', service: '', path: '/' } as const;
  const port = await listening(createTcpServer((socket) => socket.on('error', () => {})));
  expect(await findingAt(port, method)).toBe('serving');
  expect(await findingAt(await freePort(host), method)).toBe('silent');
});

it('no health check passes always', async () => {
  const port = await freePort(host);
  expect(await findingAt(port, { type: 'none', service: '', path: '/' })).toBe('serving');
});

describe('a health check by gRPC', () => {
  const method = { type: 'grpc', service: '', path: '/' } as const;

  it('finds what grpc.health.v1 says', async () => {
    const server = new GrpcServer({ routes: [], log: silentLog });
    const port = await server.listen(`${host}:0`);
    cleanup.push(() => server.close(0));
    server.health.setAll(ServingStatus.SERVING);
    expect(await findingAt(port, method)).toBe('serving');
    server.health.setAll(ServingStatus.NOT_SERVING);
    expect(await findingAt(port, method)).toBe('refusing');
    expect(await findingAt(port, { ...method, service: 'no.Such' })).toBe('refusing');
  });

  it('passes for a server without health checks, and is silent where nobody listens', async () => {
    const server = createGrpcServer();
    const nothing = async () => ({});
    server.add(UserServiceDefinition, {
      getUser: nothing,
      createUser: nothing,
      listUsers: nothing,
    });
    const port = await server.listen(`${host}:0`);
    cleanup.push(() => server.forceShutdown());
    expect(await findingAt(port, method)).toBe('serving');
    expect(await findingAt(await freePort(host), method, 500)).toBe('silent');
  });
});

describe('a health check on the command line', () => {
  it.each([
    ['grpc', 'grpc.health.v1 at 127.0.0.1:80'],
    ['grpc:a.v1.B', 'grpc.health.v1 at 127.0.0.1:80 for a.v1.B'],
    ['http', 'GET http://127.0.0.1:80/'],
    ['http:/healthz?deep=1', 'GET http://127.0.0.1:80/healthz?deep=1'],
    ['tcp', 'a TCP connection to 127.0.0.1:80'],
    ['none', 'no check'],
  ])('%s is %s', (text, meaning) => {
    expect(createHealthCheck(parseHealth(text), { host, port: 80 }).what).toBe(meaning);
  });

  it.each(['', 'udp', 'http:healthz', 'tcp:80', 'grpc:/x', 'HTTP:/', 'http:/a b'])(
    'is not %j',
    (text) => {
      expect(() => parseHealth(text)).toThrow(
        'It must be grpc, grpc:<service>, http:/path, tcp or none.',
      );
    },
  );
});

it('an address is read back from its text', () => {
  expect(addressOf('127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 });
  expect(addressOf('[::1]:80')).toEqual({ host: '::1', port: 80 });
  expect(addressOf('')).toBeUndefined();
});
