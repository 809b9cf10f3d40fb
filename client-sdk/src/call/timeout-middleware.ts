import { type CallOptions, type ClientMiddleware, Metadata } from 'nice-grpc-common';
import { ConfigError } from '../errors.ts';
import { TIMEOUT_KEY } from './call-policy.ts';

/** Longest timeout that a timer can hold; a longer one is none. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** What a mesh client takes at each call besides nice-grpc's `metadata`, `signal`, `onHeader` ... */
export interface MeshCallOptions {
  /**
   * How long the call may take over all its attempts, in ms; sent to the server as its deadline.
   * Default: the mesh's `defaultDeadlineMs` for unary methods, none for streams. Infinity for none.
   */
  timeoutMs?: number;
}

/** Gives each call its deadline. */
export function timeoutMiddleware(defaultTimeoutMs: number): ClientMiddleware<MeshCallOptions> {
  return async function* timeout(call, options: CallOptions & MeshCallOptions) {
    const isUnary = !call.requestStream && !call.responseStream;
    const { timeoutMs = isUnary ? defaultTimeoutMs : Infinity, ...rest } = options;
    if (Number.isNaN(timeoutMs)) throw new ConfigError('timeoutMs', 'a number of ms', timeoutMs);
    if (timeoutMs > LONGEST_TIMEOUT_MS) return yield* call.next(call.request, rest);
    const metadata = Metadata(rest.metadata).set(TIMEOUT_KEY, String(Math.max(0, timeoutMs)));
    return yield* call.next(call.request, { ...rest, metadata });
  };
}
