import { StoreError } from '../errors.ts';

/** What a write to a full etcd fails with, and what to do about it. */
export function fullError(endpoints: readonly string[], cause: Error): StoreError {
  return new StoreError(
    'no-space',
    `etcd at ${endpoints.join(', ')} is full and has raised its NOSPACE alarm: it answers reads and ` +
      'renews leases, and takes no writes. Make room with etcdctl (compact <revision>, then defrag; ' +
      'or raise --quota-backend-bytes), then end the alarm: etcdctl alarm disarm',
    { cause },
  );
}
