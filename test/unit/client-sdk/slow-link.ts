import { connect, createServer, type Socket } from 'node:net';

/** Relays TCP to `port`, each piece of an answer late by `delayMs`, as over a long way. */
export async function createSlowLink(port: number, delayMs: number) {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((inbound) => {
    const outbound = keep(connect(port, '127.0.0.1'));
    keep(inbound).pipe(outbound);
    outbound.on('data', (bytes) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        inbound.write(bytes);
      }, delayMs);
      timers.add(timer);
    });
    inbound.on('close', () => outbound.destroy());
    outbound.on('close', () => inbound.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
