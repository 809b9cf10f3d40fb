import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpServer } from '@weft/proto';
import type { Registry } from '@weft/registry';
import { eventStream } from '../../registry/src/http/event-stream.ts';
import type { LiveFeed } from '../../registry/src/http/live-feed.ts';
import type { StreamMessage } from '../../registry/src/page/wire.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';

/** The answer to a path sent as it is: `fetch` would tidy it first. */
async function rawStatus(address: string, path: string): Promise<string> {
  const [host = '', port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${address}\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.split('\r\n')[0] ?? '';
}

describe('the files of the web page', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await createTestRegistry({ httpPort: 0 });
  });
  afterAll(() => registry.close());

  it('are served with their types, are not asked for twice, and allow no foreign code', async () => {
    const url = `http://${registry.httpAddress}`;
    const page = await fetch(url);
    const text = await page.text();
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'self'; script-src 'self' 'sha256-[^']+';/);
    expect(policy).not.toContain('unsafe');
    const files = [...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(files.length).toBeGreaterThan(10);
    for (const path of files) {
      const file = await fetch(`${url}${path}`);
      await file.text();
      const type = /svg$/.test(path)
        ? 'image/svg+xml'
        : /css$/.test(path)
          ? 'text/css'
          : 'text/javascript';
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers.get('content-type')).toContain(type);
      const etag = file.headers.get('etag') ?? '';
      const again = await fetch(`${url}${path}`, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
    }
  });

  it.each([
    '/assets/../../package.json',
    '/assets/page/../../server.ts',
    '/assets/page/..%2f..%2fserver.ts',
    '/assets/page/tsconfig.json',
    '/assets/',
    '/assets//etc/passwd',
    '/assets/__proto__',
  ])('do not include %s', async (path) => {
    expect(await rawStatus(registry.httpAddress ?? '', path)).toBe('HTTP/1.1 404 Not Found');
  });

  it('allow no actions unless asked for', async () => {
    const response = await fetch(`http://${registry.httpAddress}/api/actions`, { method: 'POST' });
    expect(response.status).toBe(404);
    await response.text();
  });
});

describe('the stream to the web page', () => {
  it('tells everything, then what changes, to many alike', async () => {
    const registry = await createTestRegistry({ httpPort: 0 });
    const { client, close } = createRegistryClient(registry.address);
    const address = { host: '127.0.0.1', port: 9 };
    const register = (id: string) =>
      client.register({ instance: { service: 'a', id, address }, ttlSeconds: 60 });
    await register('first');
    const stopper = new AbortController();
    const texts = await Promise.all(
      [0, 1].map(async () => {
        const answer = await fetch(`http://${registry.httpAddress}/api/stream`, stopper);
        const seen = { text: '' };
        const reading = (async () => {
          const decoder = new TextDecoder();
          for await (const chunk of answer.body ?? []) seen.text += decoder.decode(chunk);
        })().catch(() => {});
        return { seen, reading };
      }),
    );
    await register('second').catch(() =>
      client.register({
        instance: { service: 'a', id: 'second', address: { ...address, port: 10 } },
        ttlSeconds: 60,
      }),
    );
    for (const { seen } of texts) {
      await eventually(() => {
        const messages: StreamMessage[] = seen.text
          .split('\n\n')
          .filter((each) => each.endsWith('}'))
          .map((each) => JSON.parse(each.replace('data: ', '')));
        const [snapshot] = messages;
        expect(snapshot?.kind === 'snapshot' && snapshot.instances.map(({ id }) => id)).toEqual([
          'first',
        ]);
        const changes = messages.flatMap((each) => (each.kind === 'changes' ? each.put : []));
        expect(changes.map(({ id }) => id)).toContain('second');
        expect(messages.some(({ kind }) => kind === 'traffic')).toBe(true);
      });
    }
    stopper.abort();
    await Promise.all(texts.map(({ reading }) => reading));
    close();
    await registry.close();
  });

  it('F38: is cut off for a page that does not read, and for no other', async () => {
    const listeners = new Set<(message: StreamMessage) => void>();
    const feed: Pick<LiveFeed, 'subscribe'> = {
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const stream = eventStream(feed, { maxPendingBytes: 100_000, maxStreams: 2 });
    const server = new HttpServer({
      routes: { '/': stream },
      portSetting: '--http-port',
      hostAdvice: 'use its address',
    });
    const port = await server.listen('127.0.0.1', 0);
    const open = () => {
      const socket: Socket = connect(port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
      return socket;
    };
    const deaf = open().pause();
    deaf.on('error', () => {});
    const reader = open();
    let bytes = 0;
    reader.on('data', (chunk) => {
      bytes += chunk.length;
    });
    await eventually(() => expect(listeners.size).toBe(2));
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(503);
    const message = (): StreamMessage => ({
      kind: 'changes',
      put: [],
      deleted: [{ service: 'x'.repeat(50_000), id: '' }],
      isStale: false,
    });
    let told = 0;
    await eventually(
      () => {
        for (const listener of listeners) listener(message());
        told += 1;
        expect(listeners.size).toBe(1);
      },
      { withinMs: 20_000 },
    );
    await eventually(() => expect(bytes).toBeGreaterThan(told * 50_000));
    deaf.destroy();
    reader.destroy();
    await server.close();
  });
});
