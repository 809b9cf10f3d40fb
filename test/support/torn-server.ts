import { framed } from './raw-grpc.ts';
import { type RawServer, startRawServer } from './raw-server.ts';

/** Where a response is torn: after its headers, or after its message, always before its status. */
export type Tear = 'after headers' | 'after message';

/** A gRPC server that answers every call with part of a response and then cuts the connection. */
export interface TornServer extends RawServer {
  /** Calls it has torn. */
  readonly calls: number;
}

export async function startTornServer(tear: Tear): Promise<TornServer> {
  const counts = { calls: 0 };
  const server = await startRawServer((stream) => {
    counts.calls += 1;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
    if (tear === 'after message') stream.write(framed(new Uint8Array()));
    // Once what was written is on its way.
    setImmediate(() => setImmediate(() => stream.session?.socket.destroy()));
  });
  return Object.assign(counts, server);
}
