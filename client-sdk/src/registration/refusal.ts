import { ClientError, Status } from 'nice-grpc-common';
import { WeftError } from '../errors.ts';

/** Decisions of the registry. Every replica decides the same, so that asking another one is no use. */
const decisions: ReadonlySet<Status> = new Set([
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.PERMISSION_DENIED,
  Status.UNAUTHENTICATED,
  Status.FAILED_PRECONDITION,
  Status.ABORTED,
]);

/** Decisions that no later try changes. */
const lasting: ReadonlySet<Status> = new Set([
  Status.INVALID_ARGUMENT,
  Status.PERMISSION_DENIED,
  Status.UNAUTHENTICATED,
]);

/** Longest time that a taken id is put down to a former run whose lease has yet to end, in ms. */
const LONGEST_CONFLICT_MS = 30_000;

/** Whether another replica of the registry may do better than the one that failed with `error`. */
export function isReplicaFault(error: unknown): boolean {
  return !(error instanceof ClientError && decisions.has(error.code));
}

/**
 * The error to report for a registration that the registry refuses; undefined while it may yet succeed. An
 * id that is taken may belong to a former run of the program, so it is reported after two TTLs.
 *
 * @param refusedForMs time since the registry first refused it, in ms
 * @param ttlMs time to live of its lease, in ms
 */
export function reportedRefusal(
  error: unknown,
  refusedForMs: number,
  ttlMs: number,
): Error | undefined {
  if (!(error instanceof ClientError)) return undefined;
  if (lasting.has(error.code)) return error;
  const isLasting = refusedForMs >= Math.min(2 * ttlMs, LONGEST_CONFLICT_MS);
  if (error.code !== Status.ALREADY_EXISTS || !isLasting) return undefined;
  const advice = 'stop the other one, or give this one another id ($WEFT_INSTANCE_ID)';
  return new WeftError('INSTANCE_EXISTS', `${error.details}; ${advice}`, { cause: error });
}
