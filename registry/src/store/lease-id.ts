import { randomFillSync } from 'node:crypto';

/** Random bytes for many ids: to ask for those of one takes as long as to ask for all of these. */
const bytes = Buffer.alloc(8 * 128);
let used = bytes.length;

/** A lease id that no one has had before: positive, 63 bits, random. */
export function newLeaseId(): bigint {
  if (used === bytes.length) {
    randomFillSync(bytes);
    used = 0;
  }
  const id = bytes.readBigUInt64BE(used) >> 1n;
  used += 8;
  return id === 0n ? newLeaseId() : id;
}

/** A lease that is being taken. */
export interface TakenLease {
  readonly leaseId: bigint;
  /** The seconds it has, which may be more than it was asked for. */
  readonly granted: Promise<number>;
  /** When etcd was asked for it, on the clock of `performance.now()`. */
  readonly askedMs: number;
}
