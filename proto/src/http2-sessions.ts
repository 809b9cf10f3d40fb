import type { EventEmitter } from 'node:events';
import type { Http2Session, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Server } from '@grpc/grpc-js';
import { Http2SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';

/** Server option: a SessionListener, called for each new connection before gRPC uses it. */
export const SESSION_LISTENER_KEY = 'weft.session_listener';

/** @param socket of the connection; with TLS, its encrypted side */
export type SessionListener = (session: ServerHttp2Session, socket: Socket) => void;

/** The private part of a grpc-js server that creates its HTTP/2 servers. */
interface Http2ServerMaker {
  options: Record<string, unknown>;
  createHttp2Server(credentials: unknown): EventEmitter;
}

/** The private part of a grpc-js client that creates its connections. */
interface TransportMaker {
  createSession(...args: unknown[]): Promise<{ session: Http2Session }>;
}

/**
 * Lets keepalive go on after GOAWAY, for as long as calls are in flight on the connection.
 *
 * Node returns no success for a PING on a session that is closing (`closed`), although HTTP/2 allows the
 * frame until the connection ends (RFC 9113 section 6.7). grpc-js, client and server, takes that for a
 * broken connection and drops it with all its calls: https://github.com/grpc/grpc-node/issues/3068.
 * So the session looks open while it sends a PING.
 */
export function keepPinging(session: Http2Session): void {
  const ping = session.ping.bind(session) as (...args: unknown[]) => boolean;
  session.ping = (...args: unknown[]) => {
    Object.defineProperty(session, 'closed', { value: false, configurable: true });
    try {
      return ping(...args);
    } finally {
      Reflect.deleteProperty(session, 'closed');
    }
  };
}

/** Makes the connections of all grpc-js clients of this process keep pinging. */
function installClientKeepalive(): void {
  const maker = Http2SubchannelConnector.prototype as unknown as TransportMaker;
  const { createSession } = maker;
  maker.createSession = async function create(...args) {
    const transport = await createSession.apply(this, args);
    keepPinging(transport.session);
    return transport;
  };
}

/** Makes grpc-js servers call the SESSION_LISTENER_KEY of their options. */
function installSessionListener(): void {
  const maker = Server.prototype as unknown as Http2ServerMaker;
  const { createHttp2Server } = maker;
  maker.createHttp2Server = function create(this: Http2ServerMaker, credentials) {
    const server = createHttp2Server.call(this, credentials);
    const listener = this.options[SESSION_LISTENER_KEY] as SessionListener | undefined;
    if (listener === undefined) return server;
    // Node emits `session` for a socket while it handles the socket's own event.
    let socket: Socket;
    for (const event of ['connection', 'secureConnection']) {
      server.prependListener(event, (connected: Socket) => {
        socket = connected;
      });
    }
    server.on('session', (session: ServerHttp2Session) => listener(session, socket));
    return server;
  };
}

let isInstalled = false;

/** Gives this process the HTTP/2 sessions of grpc-js, which has no public access to them. */
export function installSessions(): void {
  if (isInstalled) return;
  isInstalled = true;
  installClientKeepalive();
  installSessionListener();
}
