import { connect, type OutgoingHttpHeaders } from 'node:http2';

/** How a call ended, as its trailers say; undefined when its stream was cut off without any. */
export interface RawOutcome {
  code: number | undefined;
  details: string;
}

/** A gRPC message as it goes over the wire. */
export function framed(message: Uint8Array, { isCompressed = false } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Makes one call by hand, with whatever headers and body, on a connection of its own. */
export async function rawCall(
  address: string,
  path: string,
  {
    headers = {},
    body = framed(new Uint8Array()),
  }: { headers?: OutgoingHttpHeaders; body?: Buffer },
): Promise<RawOutcome> {
  const session = connect(`http://${address}`);
  session.on('error', () => {});
  const { promise, resolve } = Promise.withResolvers<RawOutcome>();
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  let outcome: RawOutcome = { code: undefined, details: '' };
  const read = (fields: Record<string, unknown>) => {
    if (fields['grpc-status'] === undefined) return;
    outcome = {
      code: Number(fields['grpc-status']),
      details: decodeURIComponent(String(fields['grpc-message'] ?? '')),
    };
  };
  stream.on('response', read);
  stream.on('trailers', read);
  stream.on('error', () => {});
  stream.on('close', () => resolve(outcome));
  stream.resume();
  stream.end(body);
  try {
    return await promise;
  } finally {
    session.destroy();
  }
}
