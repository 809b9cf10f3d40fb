import { createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { GetUserResponse } from '@weft/proto/user';
import { framed } from './raw-grpc.ts';

const ANSWER = framed(
  GetUserResponse.encode({
    user: { id: '', name: 'x', email: '', createTime: undefined },
  }).finish(),
);

/** One listener on all of 127.0.0.0/8: as many addresses as a test wants instances. Always close it. */
export interface AddressRange {
  readonly port: number;
  /** Calls answered, by the address they came to. */
  readonly calls: Map<string, number>;
  /** Connections ever taken, and those open now. */
  opened: number;
  open: number;
  close(): Promise<void>;
}

/** A gRPC server that answers every call with the same user. */
export async function listenOnAllLoopback(): Promise<AddressRange> {
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    range.opened += 1;
    range.open += 1;
    session.on('error', () => {});
    session.on('close', () => {
      range.open -= 1;
      sessions.delete(session);
    });
  });
  server.on('stream', (stream) => {
    const address = stream.session?.socket.localAddress ?? '';
    range.calls.set(address, (range.calls.get(address) ?? 0) + 1);
    stream.on('error', () => {});
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc+proto' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.resume();
    stream.end(ANSWER);
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', 2048, resolve));
  const range: AddressRange = {
    port: (server.address() as AddressInfo).port,
    calls: new Map(),
    opened: 0,
    open: 0,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return range;
}

/** The `index`-th address of the range. */
export function loopback(index: number): string {
  return `127.1.${index >> 8}.${index & 255}`;
}
