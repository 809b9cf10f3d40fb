import { GRPCResourceExhastedError } from 'etcd3';
import { StoreError } from '../errors.ts';

/** Whether etcd has reached its quota. It tells so by its text alone: other limits have the same code. */
export function isFull(error: unknown): error is Error {
  return error instanceof GRPCResourceExhastedError && error.message.includes('space exceeded');
}

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
