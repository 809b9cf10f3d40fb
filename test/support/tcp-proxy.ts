import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A TCP relay that can cut its connections, or slow them down, as a network does. Always close it. */
export interface TcpProxy {
  /** `127.0.0.1:port` to connect to. */
  readonly address: string;
  /** Cuts every connection, and each new one at once. */
  cut(): void;
  /** Lets new connections through again. */
  restore(): void;
  /** Holds back each piece that passes, either way, for `ms` from now on; 0 for not at all. */
  delay(ms: number): void;
  /** Leads new connections to another `host:port`. */
  redirect(target: string): void;
  close(): Promise<void>;
}

export async function createTcpProxy(target: string): Promise<TcpProxy> {
  let [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  let delayMs = 0;
  const link = () =>
    new Transform({
      transform(piece, _, done) {
        if (delayMs === 0) done(null, piece);
        else setTimeout(done, delayMs, null, piece).unref();
      },
    });
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((inbound) => {
    keep(inbound);
    if (isCut) return void inbound.destroy();
    const outbound = connect(Number(port), host);
    keep(outbound);
    inbound.pipe(link()).pipe(outbound).pipe(link()).pipe(inbound);
    inbound.on('close', () => outbound.destroy());
    outbound.on('close', () => inbound.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${address.port}`,
    cut,
    restore: () => {
      isCut = false;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    redirect: (to) => {
      [host, port] = to.split(':');
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
