import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { HttpServer } from '@weft/proto';
import { metricsServer } from '../../orchestrator/src/metrics/metrics-server.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

interface Received {
  readonly text: string;
  readonly status: string;
  /** How long the server kept the connection, in ms. */
  readonly heldMs: number;
}

/** Sends text as it is, and reads until the server closes the connection or `quietMs` after the first bytes. */
async function send(port: number, text: string, quietMs = 5000): Promise<Received> {
  const socket = connect(port, '127.0.0.1');
  const startedAt = performance.now();
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk;
    setTimeout(() => socket.destroy(), 300);
  });
  socket.write(text);
  const late = setTimeout(() => socket.destroy(), quietMs);
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(late);
  const heldMs = performance.now() - startedAt;
  return { text: received, status: received.split('\r\n')[0] ?? '', heldMs };
}

const get = (port: number, path: string, host: string) =>
  send(port, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);

const OK = 'HTTP/1.1 200 OK';
const FORBIDDEN = 'HTTP/1.1 403 Forbidden';

/** Every HTTP server of Weft, by its name: its port, its paths, and a name that it may be reached by. */
let slowToAll: Promise<Received[]>;
const servers = new Map<string, { port: number; paths: string[]; name: string }>();
beforeAll(async () => {
  const registry = await createTestRegistry({ httpPort: 0, httpHosts: ['weft.example.com'] });
  cleanup.defer(() => registry.close());
  const portOf = (address = '') => Number(address.split(':').at(-1));
  servers.set('the registry', {
    port: portOf(registry.httpAddress),
    paths: ['/', '/metrics', '/sd', '/api/stream', '/assets/page.css'],
    name: 'weft.example.com',
  });
  const mesh = createMesh({ registry: registry.address });
  cleanup.defer(() => mesh.close());
  const options = { metricsPort: 0, advertiseHost: 'Service.Example', ttlSeconds: 60 };
  const { host } = await serveEcho(mesh, 'a', options);
  cleanup.defer(() => host.close());
  servers.set('a service', {
    port: portOf(host.instance.metadata.get('metrics')),
    paths: ['/metrics'],
    name: 'service.example',
  });
  const orchestrator = metricsServer({ status: () => [] }, recordedLog().log);
  cleanup.defer(() => orchestrator.close());
  servers.set('the orchestrator', {
    port: await orchestrator.listen('127.0.0.1', 0),
    paths: ['/metrics'],
    name: 'localhost',
  });
  // They wait while the other tests run.
  const ports = [...servers.values()].map(({ port }) => port);
  slowToAll = Promise.all(ports.map((port) => send(port, 'GET /metrics HT', 25_000)));
});

describe.each(['the registry', 'a service', 'the orchestrator'])('the HTTP server of %s', (of) => {
  const server = () => servers.get(of) ?? { port: 0, paths: [], name: '' };

  it('refuses every path to a page whose name was made to lead here', async () => {
    const { port, paths } = server();
    for (const path of [...paths, '/nothing']) {
      for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example']) {
        const { status, text } = await get(port, path, host);
        expect([path, host, status]).toEqual([path, host, FORBIDDEN]);
        expect(text).toMatch(/x-content-type-options: nosniff/i);
      }
    }
  });

  it('serves whoever comes by an address of this machine or by an allowed name', async () => {
    const { port, name } = server();
    const hosts = [`127.0.0.1:${port}`, 'localhost', 'LOCALHOST:1', '[::1]:80', '10.1.2.3', name];
    for (const host of [...hosts, `${name.toUpperCase()}:443`]) {
      expect([host, (await get(port, '/metrics', host)).status]).toEqual([host, OK]);
    }
  });

  it('tells browsers with every response not to guess its type', async () => {
    const { port, paths } = server();
    for (const path of [...paths, '/nothing', '/metrics?x']) {
      const { text } = await get(port, path, 'localhost');
      expect([path, text]).toEqual([
        path,
        expect.stringMatching(/x-content-type-options: nosniff/i),
      ]);
    }
    const posted = await send(port, 'POST /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(posted.text).toMatch(/^HTTP\/1.1 405[\s\S]*x-content-type-options: nosniff/i);
  });
});

describe('an HTTP client that is slow', () => {
  it('is cut off shortly after the time for a request, whatever it is slow with', async () => {
    const server = new HttpServer({
      routes: { '/': { post: async (request) => void (await text(request)) } },
      portSetting: 'the port',
      hostAdvice: 'use its address',
      requestTimeoutMs: 500,
    });
    const port = await server.listen('127.0.0.1', 0);
    const head = 'POST / HTTP/1.1\r\nhost: localhost\r\n';
    const slow = ['', 'POST / HT', head, `${head}content-length: 9\r\n\r\nabc`];
    const held = await Promise.all(slow.map((start) => send(port, start)));
    await server.close();
    for (const { heldMs, status } of held) {
      expect(heldMs).toBeLessThan(1500);
      expect(status).toMatch(/408|^$/);
    }
  });

  it('has 10 s unless told otherwise, at every server', async () => {
    for (const { heldMs } of await slowToAll) expect(heldMs).toBeLessThan(12_500);
  });
});

describe('actions of the page', () => {
  const action = { action: 'deregister', service: 'a', id: 'x' };
  let ofTest: AsyncDisposableStack;
  beforeEach(() => {
    ofTest = new AsyncDisposableStack();
  });
  afterEach(() => ofTest.disposeAsync());

  async function start() {
    const { log, lines } = recordedLog();
    const registry = await createTestRegistry({
      httpPort: 0,
      httpHosts: ['weft.example.com'],
      allowActions: true,
      log,
    });
    ofTest.defer(() => registry.close());
    const { client, close } = createRegistryClient(registry.address);
    ofTest.defer(close);
    const address = { host: '127.0.0.1', port: 9 };
    const { leaseId } = await client.register({ instance: { ...action, address }, ttlSeconds: 60 });
    const port = Number(registry.httpAddress?.split(':').at(-1));
    const post = (host: string, origin: string, body: object) => {
      const text = JSON.stringify(body);
      const headers = `content-type: application/json\r\ncontent-length: ${text.length}\r\n`;
      const head = `POST /api/actions HTTP/1.1\r\nhost: ${host}\r\norigin: ${origin}\r\n${headers}`;
      return send(port, `${head}connection: close\r\n\r\n${text}`);
    };
    return { client, leaseId, port, post, lines };
  }

  it('work behind an allowed name and behind no other', async () => {
    const { client, leaseId, post } = await start();
    const drain = { ...action, action: 'drain', leaseId: leaseId.toString(16) };
    const refused = await post('evil.example', 'http://evil.example', drain);
    expect(refused.status).toBe(FORBIDDEN);
    const foreign = await post('weft.example.com', 'https://evil.example', drain);
    expect(foreign.status).toBe(FORBIDDEN);
    const done = await post('Weft.Example.com', 'https://weft.example.com', drain);
    expect(done.status).toBe('HTTP/1.1 204 No Content');
    const { instances } = await client.getService({ service: 'a' });
    expect(instances[0]?.status).toBe(3);
  });

  it.each(['0', '0000000000000000', 'ffffffffffffffff', '', undefined])(
    'never skip the check of the lease: %j',
    async (leaseId) => {
      const { client, post } = await start();
      const { status } = await post('localhost', 'http://localhost', { ...action, leaseId });
      expect(status).toBe('HTTP/1.1 400 Bad Request');
      expect((await client.getService({ service: 'a' })).instances).toHaveLength(1);
    },
  );

  it('log nothing of a caller that goes away before its request is complete', async () => {
    const { port, lines } = await start();
    const socket = connect(port, '127.0.0.1');
    const headers = 'host: localhost\r\norigin: http://localhost\r\ncontent-type: application/json';
    socket.write(`POST /api/actions HTTP/1.1\r\n${headers}\r\ncontent-length: 99\r\n\r\n{"a`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await eventually(() =>
      expect(lines).toContainEqual(expect.stringMatching(/^debug.*went away/)),
    );
    expect(lines.filter((line) => /^(error|warn)/.test(line))).toEqual([]);
  });
});
