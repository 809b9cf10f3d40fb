import { MAX_MESSAGE_BYTES } from '@weft/proto';
import { ServiceSummary } from '@weft/proto/registry';
import { encodedInstance } from './encoded-instance.ts';
import type { StoredInstance } from './store/stored-instance.ts';

/**
 * What a page, or one message of a stream, is filled up to. An item alone is far smaller, so that
 * messages keep away from the limit of gRPC, and a stream is not held up by huge ones.
 */
export const PART_BYTES = 1024 * 1024;

/** What an answer that cannot be parted may come to, with room for the fields around its items. */
export const ANSWER_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/** Tag and length before an item, and what goes with it in an event. */
const FRAME_BYTES = 32;

/** The bytes of an instance inside a message. */
export function instanceBytes(instance: StoredInstance): number {
  return encodedInstance(instance).length + FRAME_BYTES;
}

export function summaryBytes(summary: ServiceSummary): number {
  return ServiceSummary.encode(summary).finish().length + FRAME_BYTES;
}

/** A sequence in runs of at most `maxBytes`; an item larger than that is a run of its own. */
export function* inParts<T>(
  items: Iterable<T>,
  bytesOf: (item: T) => number,
  maxBytes = PART_BYTES,
): Generator<T[], void, undefined> {
  let part: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item);
    if (part.length > 0 && bytes + more > maxBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += more;
  }
  yield part;
}
