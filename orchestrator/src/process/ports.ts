import { createServer } from 'node:net';

function listen(host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen({ host, port, exclusive: true }, () => {
    const address = server.address();
    server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
  });
  return promise;
}

/** A port free at this moment; whoever gets it should take it at once. */
export function freePort(host: string): Promise<number> {
  return listen(host, 0);
}

/** Why nothing can listen on `host:port` now; undefined when it can. */
export async function whyTaken(host: string, port: number): Promise<string | undefined> {
  try {
    await listen(host, port);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error';
  }
}
