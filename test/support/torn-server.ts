import { createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** Where a response is torn: after its headers, or after its message, always before its status. */
export type Tear = 'after headers' | 'after message';

/** A gRPC server that answers every call with part of a response and then cuts the connection. */
export interface TornServer {
  readonly port: number;
  /** Calls it has torn. */
  calls: number;
  close(): Promise<void>;
}

/** An empty message, framed: not compressed, 0 bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

export async function startTornServer(tear: Tear): Promise<TornServer> {
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    torn.calls += 1;
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
    if (tear === 'after message') stream.write(EMPTY_MESSAGE);
    // Once what was written is on its way.
    setImmediate(() => setImmediate(() => stream.session?.socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const torn: TornServer = {
    port: (server.address() as AddressInfo).port,
    calls: 0,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return torn;
}
