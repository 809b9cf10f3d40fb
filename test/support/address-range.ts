import { GetUserResponse } from '@weft/proto/user';
import { answerOk, type RawServer, startRawServer } from './raw-server.ts';

const ANSWER = GetUserResponse.encode({
  user: { id: '', name: 'x', email: '', createTime: undefined },
}).finish();

/** One listener on all of 127.0.0.0/8: as many addresses as a test wants instances. Always close it. */
export interface AddressRange extends RawServer {
  /** Calls answered, by the address they came to. */
  readonly calls: Map<string, number>;
  /** Connections ever taken, and those open now. */
  readonly opened: number;
  readonly open: number;
}

/** A gRPC server that answers every call with the same user. */
export async function listenOnAllLoopback(): Promise<AddressRange> {
  const calls = new Map<string, number>();
  const counts = { opened: 0, open: 0 };
  const server = await startRawServer(
    (stream) => {
      const address = stream.session?.socket.localAddress ?? '';
      calls.set(address, (calls.get(address) ?? 0) + 1);
      answerOk(stream, ANSWER);
    },
    {
      host: '0.0.0.0',
      backlog: 2048,
      onSession(session) {
        counts.opened += 1;
        counts.open += 1;
        session.on('close', () => {
          counts.open -= 1;
        });
      },
    },
  );
  return Object.assign(counts, server, { calls });
}

/** The `index`-th address of the range. */
export function loopback(index: number): string {
  return `127.1.${index >> 8}.${index & 255}`;
}
