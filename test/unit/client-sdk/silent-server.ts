import { createServer, type Socket } from 'node:net';

/** Accepts TCP connections and never says a word, as a frozen process does. Always close it. */
export interface SilentServer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  close(): Promise<void>;
}

export async function createSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    address: `127.0.0.1:${address.port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
