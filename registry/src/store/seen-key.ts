import type { KeyValue } from './etcd-keyspace.ts';
import { decodeRecord } from './etcd-record.ts';
import type { StoredInstance } from './stored-instance.ts';

/** Who is at a key, and the revisions of the key: 0n when it is absent. */
export interface Seen {
  /** A foreign value counts as no one, and is replaced. */
  existing: StoredInstance | undefined;
  modRevision: bigint;
  createRevision: bigint;
  /** Of the store at that time. */
  revision: bigint;
  /** Whether what was to be written could not be, its lease being gone. */
  isLeaseLost?: boolean;
}

export function seenAs(found: KeyValue | undefined, revision: bigint): Seen {
  const { modRevision = 0n, createRevision = 0n } = found ?? {};
  const seen = { modRevision, createRevision, revision };
  try {
    return { existing: found && decodeRecord(found), ...seen };
  } catch {
    return { existing: undefined, ...seen };
  }
}
