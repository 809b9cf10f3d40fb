/**
 * What generated code reads and writes messages with: see proto/bin/protoc-gen-weft.mjs.
 */
import { BinaryReader as LenientReader } from '@bufbuild/protobuf/wire';
import type { Timestamp } from '../gen/google/protobuf/timestamp.ts';

export { BinaryWriter } from '@bufbuild/protobuf/wire';

/**
 * Reads messages, and refuses a string field with invalid UTF-8, as protobuf requires. The reader of
 * @bufbuild/protobuf reads such bytes as U+FFFD unless it is told otherwise.
 */
export class BinaryReader extends LenientReader {
  /** @throws Error if the bytes are not UTF-8 */
  override string(): string {
    try {
      return super.string(true);
    } catch (error) {
      // Any other error is about the length of the field.
      if (Object(error).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
      throw new Error('a string field has invalid UTF-8', { cause: error });
    }
  }
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z, the range of google.protobuf.Timestamp. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

/**
 * A time as google.protobuf.Timestamp. Its nanos count forward, also before 1970.
 * @throws RangeError if the time is invalid or outside of the years 1 to 9999
 */
export function toTimestamp(time: Date): Timestamp {
  const timeMs = time.getTime();
  if (!(timeMs >= FIRST_MS && timeMs <= LAST_MS)) {
    const shown = Number.isNaN(timeMs) ? 'an invalid Date' : time.toISOString();
    throw new RangeError(`a timestamp must be of the years 1 to 9999, not ${shown}`);
  }
  const seconds = Math.floor(timeMs / 1000);
  return { seconds: BigInt(seconds), nanos: (timeMs - seconds * 1000) * 1_000_000 };
}

/**
 * A google.protobuf.Timestamp as a Date, which has milliseconds: the digits below are cut off, towards
 * the past. Reads what a peer sent as it is; a time that no Date can hold becomes an invalid Date.
 */
export function fromTimestamp({ seconds, nanos }: Timestamp): Date {
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1_000_000));
}
