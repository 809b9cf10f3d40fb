import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { framed } from './raw-grpc.ts';

/** A server over bare HTTP/2, to do what no gRPC library does. Always close it. */
export interface RawServer {
  readonly port: number;
  /** Ends its connections too. */
  close(): Promise<void>;
}

export interface RawServerOptions {
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Connections that may wait to be taken. Default Node's. */
  backlog?: number;
  onSession?: (session: ServerHttp2Session) => void;
}

/** @param onStream told of each call */
export async function startRawServer(
  onStream: (stream: ServerHttp2Stream) => void,
  { host = '127.0.0.1', backlog, onSession }: RawServerOptions = {},
): Promise<RawServer> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
    onSession?.(session);
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host, backlog }, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers a call OK, with one message. */
export function answerOk(stream: ServerHttp2Stream, message: Uint8Array): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc+proto' };
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.resume();
  stream.end(framed(message));
}
