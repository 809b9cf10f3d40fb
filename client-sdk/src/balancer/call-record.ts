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
  /** Time from when it was sent, in ms. */
  readonly durationMs: number;
}

/** One attempt of a call: who was asked, and what came of it. */
export interface AttemptRecord {
  readonly endpoint: Endpoint;
  /** Undefined while in flight. */
  end: AttemptEnd | undefined;
}

const none: readonly AttemptRecord[] = [];

/** What is known of one call over all its attempts. gRPC caps them at 5, so it stays small. */
export class CallRecord implements PickRequest {
  /** What `consistent_hash` goes by. */
  readonly hashKey: string | undefined;
  /** Of the call site, when it asked for another than the service's. */
  readonly strategy: string | undefined;
  /** Whether this process itself cannot go on with it: no fault of the instance that was asked. */
  isUnsendable = false;
  #attempts: AttemptRecord[] | undefined;

  constructor(hashKey?: string, strategy?: string) {
    this.hashKey = hashKey;
    this.strategy = strategy;
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#attempts ?? none;
  }

  /** Notes an attempt that is sent now. */
  attempted(endpoint: Endpoint): AttemptRecord {
    const record: AttemptRecord = { endpoint, end: undefined };
    if (this.#attempts === undefined) this.#attempts = [record];
    else this.#attempts.push(record);
    return record;
  }

  /** Whether an attempt of this call went to `endpoint` already. */
  isExcluded(endpoint: Endpoint): boolean {
    if (this.#attempts === undefined) return false;
    for (const attempt of this.#attempts) if (attempt.endpoint === endpoint) return true;
    return false;
  }
}
