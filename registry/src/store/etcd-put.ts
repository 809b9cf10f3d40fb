import type { EtcdKeyspace, KeyValue, RawKeyValue } from './etcd-keyspace.ts';

/** A key to be written under a lease if it still is at `modRevision` (0n: absent). */
export interface ConditionalPut {
  key: string;
  value: string;
  leaseId: bigint;
  modRevision: bigint;
}

/** The outcome of a conditional put. `found` is the key as it is now; undefined if it is absent. */
export type PutOutcome =
  | { kind: 'written'; revision: bigint }
  | { kind: 'changed'; revision: bigint; found: KeyValue | undefined }
  | { kind: 'lease-lost' };

/** The answer to the transaction of a put (etcdserverpb.TxnResponse), as far as it is read. */
interface PutAnswer {
  succeeded: boolean;
  responses: { response_range?: { kvs: RawKeyValue[] } | undefined }[];
}

/** The transaction for a put: it writes the key, or reads the key if the revision differs. */
export function putTransaction(
  { key, value, leaseId, modRevision }: ConditionalPut,
  keyspace: EtcdKeyspace,
) {
  const name = keyspace.bytes(key);
  return {
    compare: [
      {
        key: name,
        target: 'Mod' as const,
        result: 'Equal' as const,
        mod_revision: `${modRevision}`,
      },
    ],
    success: [{ request_put: { key: name, value: Buffer.from(value), lease: `${leaseId}` } }],
    failure: [{ request_range: { key: name } }],
  };
}

export function putOutcome(
  answer: PutAnswer | undefined,
  revision: bigint,
  keyspace: EtcdKeyspace,
): PutOutcome {
  if (answer?.succeeded) return { kind: 'written', revision };
  const [kv] = answer?.responses[0]?.response_range?.kvs ?? [];
  return { kind: 'changed', revision, found: kv && keyspace.keyValue(kv) };
}
