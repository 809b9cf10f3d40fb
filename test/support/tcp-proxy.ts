import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Which way bytes go. */
export type Direction = 'toServer' | 'toClient';

/** A TCP relay that does what networks do. Always close it. */
export interface TcpProxy {
  /** `127.0.0.1:port` to connect to. */
  readonly address: string;
  /** Delay of every byte that comes from now on, each way. Default 0. */
  latencyMs: number;
  /** Bytes that went through so far. */
  passed(direction: Direction): number;
  /** Cuts every connection, and each new one at once. */
  cut(): void;
  /** Cuts one connection: the one through which the last of so many more bytes goes. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Holds back what goes in one direction; connections stay, and new ones are taken. */
  block(direction: Direction): void;
  /** Lets new connections, and what was held back, through again. */
  restore(): void;
  /** Leads new connections to another `host:port`. */
  redirect(target: string): void;
  close(): Promise<void>;
}

/** What holds for one direction, on all connections. */
class Way {
  passed = 0;
  /** Bytes until a connection is cut. */
  left = Number.POSITIVE_INFINITY;
  #gate: PromiseWithResolvers<void> | undefined;

  get opened(): Promise<void> | undefined {
    return this.#gate?.promise;
  }

  block(): void {
    this.#gate ??= Promise.withResolvers();
  }

  restore(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }
}

export async function createTcpProxy(target: string): Promise<TcpProxy> {
  let [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  const ways = { toServer: new Way(), toClient: new Way() };
  let isCut = false;
  let latencyMs = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const relay = (from: Socket, to: Socket, way: Way) => {
    let last: Promise<unknown> = Promise.resolve();
    /** After the delay, and after what came before it. */
    const later = (step: () => void) => {
      last = Promise.all([last, latencyMs > 0 && pause(latencyMs)]).then(() => step());
    };
    const link = new Transform({
      async transform(chunk: Buffer, _encoding, done) {
        await way.opened;
        const bytes = chunk.subarray(0, way.left);
        way.left -= bytes.length;
        way.passed += bytes.length;
        later(() => this.push(bytes));
        if (way.left > 0) return done();
        way.left = Number.POSITIVE_INFINITY;
        from.unpipe(link);
        later(() => this.push(null));
        to.once('finish', () => from.destroy());
      },
      flush: (done) => later(done),
    });
    from.pipe(link).pipe(to);
    from.on('close', () => later(() => to.destroySoon()));
  };
  const server = createServer((inbound) => {
    keep(inbound);
    if (isCut) return void inbound.destroy();
    const outbound = connect(Number(port), host);
    keep(outbound);
    relay(inbound, outbound, ways.toServer);
    relay(outbound, inbound, ways.toClient);
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
    get latencyMs() {
      return latencyMs;
    },
    set latencyMs(ms) {
      latencyMs = ms;
    },
    passed: (direction) => ways[direction].passed,
    cut,
    cutAfter(direction, bytes) {
      ways[direction].left = bytes;
    },
    block: (direction) => ways[direction].block(),
    restore() {
      isCut = false;
      for (const way of Object.values(ways)) way.restore();
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
