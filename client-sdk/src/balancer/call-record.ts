import type { Endpoint } from './endpoint.ts';

/** How an attempt ended. */
export interface AttemptEnd {
  /** gRPC status code. */
  readonly statusCode: number;
  /** The status's message. */
  readonly details: string;
  /** What came with it, in the transport's own form. */
  readonly trailers: unknown;
}

/** One attempt of a call: who was asked, and what came of it. */
export interface AttemptRecord {
  readonly endpoint: Endpoint;
  /** Undefined while in flight. */
  end: AttemptEnd | undefined;
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
