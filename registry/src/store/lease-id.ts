import { randomBytes } from 'node:crypto';

/** A lease id that no one has had before: positive, 63 bits, random. */
export function newLeaseId(): bigint {
  const id = randomBytes(8).readBigUInt64BE() >> 1n;
  return id === 0n ? newLeaseId() : id;
}
