import type { Http2Session } from 'node:http2';
import type { Subchannel } from '../grpc-experimental.ts';

/** The private parts of a grpc-js subchannel. grpc-js has no other way to ping a peer. */
interface ConnectedSubchannel {
  readonly transport: { readonly session: Http2Session } | null;
  /** Time between two pings of keepalive, in ms. grpc-js doubles it each time the peer objects. */
  readonly keepaliveTime: number;
}

/** Shortest time between two pings of one connection, as a share of the time between those of keepalive. */
const INTERVAL_SHARE = 0.5;

/** When a connection was last pinged from here, on the monotonic clock in ms. */
const pingedAtMs = new WeakMap<Http2Session, number>();

/**
 * Sends an HTTP/2 PING (RFC 9113 section 6.7). The process at the other end answers it however busy its
 * handlers are, unless it is frozen or its event loop is blocked. `onAnswer` is called if the answer comes.
 *
 * A server that gets too many pings closes the connection with all its calls (gRFC A8). So a connection is
 * pinged at most once in half of the keepalive time: once a second, and less often for a peer that objected.
 *
 * @returns false if nothing was sent, because there is no connection or it was pinged a short time ago
 */
export function pingPeer(subchannel: Subchannel, onAnswer: () => void): boolean {
  const real = subchannel.getRealSubchannel() as unknown as ConnectedSubchannel;
  const { transport, keepaliveTime } = real;
  if (!transport || transport.session.destroyed) return false;
  const { session } = transport;
  const now = performance.now();
  const lastMs = pingedAtMs.get(session) ?? Number.NEGATIVE_INFINITY;
  if (now - lastMs < keepaliveTime * INTERVAL_SHARE) return false;
  pingedAtMs.set(session, now);
  session.ping((error) => {
    if (error === null) onAnswer();
  });
  return true;
}
