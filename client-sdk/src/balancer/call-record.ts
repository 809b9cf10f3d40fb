import type { EndedBy } from '../breaker/classify.ts';
import type { Endpoint } from './endpoint.ts';
import type { PickRequest } from './strategy.ts';

/** How an attempt ended. */
export interface AttemptEnd {
  /** gRPC status code. */
  readonly statusCode: number;
  /** The status's message. */
  readonly details: string;
  /** What came with it, in the transport's own form. */
  readonly trailers: unknown;
  readonly endedBy: EndedBy;
  /** Time from when it was sent, in ms. */
  readonly durationMs: number;
}

/** One attempt of a call: who was asked, and what came of it. */
export interface AttemptRecord {
  readonly endpoint: Endpoint;
  /** Undefined while in flight. */
  end: AttemptEnd | undefined;
  /** Whether the server said that it has not looked at it: as good as not made. */
  isRefused: boolean;
}

/** What is known of a call before its first attempt. */
export interface CallTraits {
  /** `/user.v1.UserService/GetUser`. Default empty: not known. */
  readonly path?: string;
  /** Whether it is answered with one message. Default false, as for a method no contract told of. */
  readonly isUnary?: boolean;
  /** What `consistent_hash` goes by. */
  readonly hashKey?: string | undefined;
  /** Strategy of the call site, when it asked for another than the service's. */
  readonly strategy?: string | undefined;
}

const none: readonly AttemptRecord[] = [];

/** What is known of one call over all its attempts. gRPC caps them at 5, so it stays small. */
export class CallRecord implements PickRequest {
  readonly path: string;
  readonly isUnary: boolean;
  readonly hashKey: string | undefined;
  readonly strategy: string | undefined;
  /** Attempts that the retry budget has paid for; the first is free. */
  funded = 0;
  #attempts: AttemptRecord[] | undefined;

  constructor({ path = '', isUnary = false, hashKey, strategy }: CallTraits = {}) {
    this.path = path;
    this.isUnary = isUnary;
    this.hashKey = hashKey;
    this.strategy = strategy;
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#attempts ?? none;
  }

  /** Whether an attempt is in flight. */
  get isInFlight(): boolean {
    return this.attempts.some(({ end }) => end === undefined);
  }

  /** Notes an attempt that is sent now. */
  attempted(endpoint: Endpoint): AttemptRecord {
    const record: AttemptRecord = { endpoint, end: undefined, isRefused: false };
    if (this.#attempts === undefined) this.#attempts = [record];
    else this.#attempts.push(record);
    return record;
  }

  /** Whether an attempt of this call went to `endpoint` already, and was not refused unseen. */
  isExcluded(endpoint: Endpoint): boolean {
    if (this.#attempts === undefined) return false;
    for (const attempt of this.#attempts) {
      if (attempt.endpoint === endpoint && !attempt.isRefused) return true;
    }
    return false;
  }
}
