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

export interface PingPoliceOptions {
  /** The response to every call. */
  readonly message: Uint8Array;
  /** How long each call takes, in ms; read when the call arrives. */
  delayMs: number;
  /** Shortest time between two pings, in ms. */
  readonly leastMs: number;
  /**
   * Pings that may come too early, counted since the last response, before the connection is closed.
   * Default 0; grpc-go allows 2.
   */
  readonly strikes?: number;
}

export async function startPingPolice(options: PingPoliceOptions): Promise<PingPolice> {
  const { message, leastMs, strikes: allowed = 0 } = options;
  const counts = { calls: 0, pings: 0, goaways: 0 };
  let strikes = 0;
  const server = await startRawServer(
    (stream) => {
      setTimeout(() => {
        if (stream.destroyed) return;
        counts.calls += 1;
        strikes = 0;
        answerOk(stream, message);
      }, options.delayMs);
    },
    {
      onSession(session) {
        let lastPing = performance.now();
        session.on('ping', () => {
          counts.pings += 1;
          const now = performance.now();
          if (now - lastPing < leastMs) strikes += 1;
          if (strikes > allowed) {
            strikes = 0;
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
