import type { Endpoint } from './endpoint.ts';

/** One attempt of a call: who was asked, and what came of it. */
export interface AttemptRecord {
  readonly endpoint: Endpoint;
  /** gRPC status code; undefined while in flight. */
  statusCode: number | undefined;
}

/** What is known of one call over all its attempts. gRPC caps them at 5, so it stays small. */
export class CallRecord {
  readonly attempts: AttemptRecord[] = [];
  /** Whether this process itself cannot go on with it: no fault of the instance that was asked. */
  isUnsendable = false;

  /** Whether an attempt of this call went to `endpoint` already. */
  hasTried = (endpoint: Endpoint): boolean =>
    this.attempts.some((attempt) => attempt.endpoint === endpoint);
}
