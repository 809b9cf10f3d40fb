import { constants, createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { framed } from './raw-grpc.ts';

/** A gRPC server that, as grpc-go's does, closes a connection whose client pings too often. */
export interface PingPolice {
  readonly port: number;
  /** Calls answered. */
  calls: number;
  /** Pings received. */
  pings: number;
  /** Connections it has closed with too_many_pings. */
  goaways: number;
  close(): Promise<void>;
}

/** Answers every call with `message` after `delayMs`; allows one ping in `leastMs`. */
export async function startPingPolice(options: {
  message: Uint8Array;
  delayMs: number;
  leastMs: number;
}): Promise<PingPolice> {
  const { message, delayMs, leastMs } = options;
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    let lastPing = performance.now();
    session.on('ping', () => {
      police.pings += 1;
      const now = performance.now();
      if (now - lastPing < leastMs) {
        police.goaways += 1;
        const { NGHTTP2_ENHANCE_YOUR_CALM } = constants;
        session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, 2 ** 31 - 1, Buffer.from('too_many_pings'));
        setImmediate(() => session.destroy());
      }
      lastPing = now;
    });
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    setTimeout(() => {
      if (stream.destroyed) return;
      police.calls += 1;
      const headers = { ':status': 200, 'content-type': 'application/grpc+proto' };
      stream.respond(headers, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(framed(message));
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const police: PingPolice = {
    port: (server.address() as AddressInfo).port,
    calls: 0,
    pings: 0,
    goaways: 0,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return police;
}
