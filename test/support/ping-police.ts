import { constants } from 'node:http2';
import { answerOk, type RawServer, startRawServer } from './raw-server.ts';

/** A gRPC server that, as grpc-go's does, closes a connection whose client pings too often. */
export interface PingPolice extends RawServer {
  /** Calls answered. */
  readonly calls: number;
  /** Pings received. */
  readonly pings: number;
  /** Connections it has closed with too_many_pings. */
  readonly goaways: number;
}

/** Answers every call with `message` after `delayMs`; allows one ping in `leastMs`. */
export async function startPingPolice(options: {
  message: Uint8Array;
  delayMs: number;
  leastMs: number;
}): Promise<PingPolice> {
  const { message, delayMs, leastMs } = options;
  const counts = { calls: 0, pings: 0, goaways: 0 };
  const server = await startRawServer(
    (stream) => {
      setTimeout(() => {
        if (stream.destroyed) return;
        counts.calls += 1;
        answerOk(stream, message);
      }, delayMs);
    },
    {
      onSession(session) {
        let lastPing = performance.now();
        session.on('ping', () => {
          counts.pings += 1;
          const now = performance.now();
          if (now - lastPing < leastMs) {
            counts.goaways += 1;
            const { NGHTTP2_ENHANCE_YOUR_CALM } = constants;
            session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, 2 ** 31 - 1, Buffer.from('too_many_pings'));
            setImmediate(() => session.destroy());
          }
          lastPing = now;
        });
      },
    },
  );
  return Object.assign(counts, server);
}
