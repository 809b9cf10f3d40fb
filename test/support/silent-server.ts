import { createServer, type Socket } from 'node:net';

/** Accepts TCP connections and never says a word, as a frozen process does. Always close it. */
export interface SilentServer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Connections it has taken. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function createSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    address: `127.0.0.1:${address.port}`,
    get connections() {
      return connections;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
