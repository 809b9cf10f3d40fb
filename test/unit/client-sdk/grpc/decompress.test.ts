import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { DecompressError, decompressed } from '../../../../client-sdk/src/grpc/decompress.ts';
import { framed } from '../../../support/raw-grpc.ts';

const message = Buffer.from('a message '.repeat(100));
const isCompressed = true;

function failureOf(frame: Buffer, encoding: string, maxBytes = 10_000): unknown {
  try {
    decompressed(frame, encoding, maxBytes);
  } catch (error) {
    return error;
  }
}

describe('decompressed', () => {
  it.each([
    ['gzip', gzipSync(message)],
    ['deflate', deflateSync(message)],
  ])('returns a message of %s in a frame without compression', (encoding, bytes) => {
    expect(decompressed(framed(bytes, { isCompressed }), encoding, 1000)).toEqual(framed(message));
  });

  it('returns the same buffer if the message is not compressed, or the encoding is unknown', () => {
    const plain = framed(message);
    expect(decompressed(plain, 'gzip', 10)).toBe(plain);
    const unknown = framed(message, { isCompressed });
    expect(decompressed(unknown, 'br', 10)).toBe(unknown);
  });

  it('refuses a message that would be larger than allowed', () => {
    const bomb = framed(gzipSync(Buffer.alloc(10_000_000)), { isCompressed });
    expect(bomb.length).toBeLessThan(20_000);
    expect(failureOf(bomb, 'gzip')).toMatchObject({ isTooLarge: true });
    expect(failureOf(framed(gzipSync(message), { isCompressed }), 'gzip', 999)).toMatchObject({
      isTooLarge: true,
    });
  });

  it('says why bytes cannot be decompressed', () => {
    const error = failureOf(framed(Buffer.from('no gzip'), { isCompressed }), 'gzip');
    expect(error).toBeInstanceOf(DecompressError);
    expect(error).toMatchObject({
      isTooLarge: false,
      message: expect.stringMatching(/^a response message cannot be decompressed: ./),
    });
  });
});
