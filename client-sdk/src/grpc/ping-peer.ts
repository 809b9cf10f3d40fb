import type { Http2Session } from 'node:http2';
import type { Subchannel } from '../grpc-experimental.ts';

/** The private connection of a grpc-js subchannel. grpc-js has no other way to ping a peer. */
interface ConnectedSubchannel {
  readonly transport: { readonly session: Http2Session } | null;
}

/**
 * Sends an HTTP/2 PING (RFC 9113 section 6.7). The process at the other end answers it however busy its
 * handlers are, unless it is frozen or its event loop is blocked. `onAnswer` is called if the answer comes.
 */
export function pingPeer(subchannel: Subchannel, onAnswer: () => void): void {
  const { transport } = subchannel.getRealSubchannel() as unknown as ConnectedSubchannel;
  if (!transport || transport.session.destroyed) return;
  transport.session.ping((error) => {
    if (error === null) onAnswer();
  });
}
