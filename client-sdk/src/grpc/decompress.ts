import { gunzipSync, inflateSync } from 'node:zlib';
import { messageOf } from '@weft/proto';

/** Length of what stands before a message on the wire: a flag for compression, and its size. */
const FRAME_BYTES = 5;

const decompressors: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
};

/** Why a message cannot be decompressed. */
export class DecompressError extends Error {
  /** Whether the message would be larger than allowed. */
  readonly isTooLarge: boolean;

  constructor(error: unknown) {
    super(`a response message cannot be decompressed: ${messageOf(error)}`, { cause: error });
    this.isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  }
}

/**
 * Decompresses one message as it came over the wire. grpc-js would do so later, with one limit for the
 * whole channel instead of the limit of the call. It blocks for some 3 ms for each MiB.
 *
 * @param framed the message with its frame
 * @param encoding value of the header `grpc-encoding`
 * @param maxBytes largest message after decompression
 * @returns the message in a frame without compression; the same buffer if it was not compressed
 * @throws DecompressError
 */
export function decompressed(framed: Buffer, encoding: string, maxBytes: number): Buffer {
  const decompress = decompressors[encoding];
  if (framed.readUInt8(0) === 0 || decompress === undefined) return framed;
  try {
    const bytes = decompress(framed.subarray(FRAME_BYTES), { maxOutputLength: maxBytes });
    const head = Buffer.alloc(FRAME_BYTES);
    head.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  } catch (error) {
    throw new DecompressError(error);
  }
}
