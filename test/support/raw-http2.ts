import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** What a client says first on an HTTP/2 connection. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Types of HTTP/2 frames. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, continuation: 9 } as const;

/** An HTTP/2 frame, whether it makes sense or not. */
export function http2Frame(
  type: number,
  { flags = 0, stream = 0, payload = Buffer.alloc(0) }: FrameOptions = {},
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

interface FrameOptions {
  flags?: number;
  stream?: number;
  payload?: Buffer;
}

/**
 * Sends bytes to a server on a connection of its own, one chunk at a time, until the server closes it.
 * Answers how many bytes it took until then. @throws Error when it has not closed it within `withinMs`.
 */
export async function sendUntilClosed(
  address: string,
  chunks: Iterable<Buffer>,
  { withinMs = 10_000 }: { withinMs?: number } = {},
): Promise<number> {
  const [host = '', port] = address.split(':');
  const socket: Socket = connect(Number(port), host);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.resume();
  // The server may close its half only: then ours ends too.
  socket.once('end', () => socket.destroy());
  const timer = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, withinMs);
  let isLate = false;
  let sent = 0;
  for (const chunk of chunks) {
    if (socket.destroyed) break;
    const { promise: written, resolve } = Promise.withResolvers<void>();
    socket.write(chunk, () => resolve());
    await Promise.race([written, closed]);
    sent = socket.bytesWritten;
    // A server in this process gets its turn too.
    await setImmediate();
  }
  await closed;
  clearTimeout(timer);
  if (isLate) throw new Error(`the server kept the connection, ${sent} bytes in`);
  return sent;
}
