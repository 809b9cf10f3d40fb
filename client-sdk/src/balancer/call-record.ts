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

/** One attempt of a call, from its pick: which endpoint it goes to, and how it ended. */
export interface AttemptRecord {
  readonly endpoint: Endpoint;
  /** Whether it was sent. Until then the transport may still drop it. */
  isSent: boolean;
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
  /** Attempts that the transport makes at most, hedges included. Default 1. */
  readonly maxAttempts?: number;
  /** Time from one attempt to its hedge, in ms; undefined if the call is not hedged. */
  readonly hedgeAfterMs?: number | undefined;
}

const none: readonly AttemptRecord[] = [];

/** A timer that fires so much early is on time, in ms. */
const EARLY_MS = 2;

/** What is known of one call over all its attempts. gRPC caps them at 5, so it stays small. */
export class CallRecord implements PickRequest {
  readonly path: string;
  readonly isUnary: boolean;
  readonly hashKey: string | undefined;
  readonly strategy: string | undefined;
  readonly maxAttempts: number;
  readonly #hedgeAfterMs: number | undefined;
  /** Attempts that the retry budget has paid for; the first is free. */
  funded = 0;
  /** When the caller stops waiting, on the monotonic clock in ms. The transport sets it. */
  endsAt = Number.POSITIVE_INFINITY;
  /** When the first attempt was picked, on the monotonic clock in ms. */
  #firstAt = 0;
  #attempts: AttemptRecord[] | undefined;

  constructor(traits: CallTraits = {}) {
    const { path = '', isUnary = false, hashKey, strategy, maxAttempts = 1 } = traits;
    this.path = path;
    this.isUnary = isUnary;
    this.hashKey = hashKey;
    this.strategy = strategy;
    this.maxAttempts = maxAttempts;
    this.#hedgeAfterMs = traits.hedgeAfterMs;
  }

  /** The attempts that were sent. */
  get attempts(): readonly AttemptRecord[] {
    const attempts = this.#attempts ?? none;
    return attempts.every(({ isSent }) => isSent) ? attempts : attempts.filter((a) => a.isSent);
  }

  /** Number of attempts from their pick, without those that a server refused unseen. */
  get made(): number {
    let made = 0;
    for (const { isRefused } of this.#attempts ?? none) if (!isRefused) made += 1;
    return made;
  }

  /** Number of attempts that were picked in this turn of the event loop and not sent yet. */
  get unsent(): number {
    let unsent = 0;
    for (const { isSent } of this.#attempts ?? none) if (!isSent) unsent += 1;
    return unsent;
  }

  /** Whether an attempt is in flight, from its pick. */
  get isInFlight(): boolean {
    return (this.#attempts ?? none).some(({ end }) => end === undefined);
  }

  /** Adds an attempt that is picked at `now`. */
  picked(endpoint: Endpoint, now: number): AttemptRecord {
    const record: AttemptRecord = { endpoint, isSent: false, end: undefined, isRefused: false };
    if (this.#attempts === undefined || this.#attempts.length === 0) {
      this.#firstAt = now;
      this.#attempts = [record];
    } else this.#attempts.push(record);
    return record;
  }

  /** Removes an attempt that was not sent. */
  dropped(record: AttemptRecord): void {
    this.#attempts = this.#attempts?.filter((each) => each !== record);
  }

  /**
   * How long the next attempt has to wait, in ms. gRPC counts the delay of hedges from the start of the
   * call. If the call had to wait for a connection, gRPC asks for all hedges at once. Here the delay
   * counts from the first pick. An attempt that has ended makes way for another at once.
   */
  hedgeWaitMs(now: number): number {
    const attempts = this.#attempts ?? none;
    if (this.#hedgeAfterMs === undefined || attempts.length === 0) return 0;
    if (attempts.some(({ end }) => end !== undefined)) return 0;
    const waitMs = this.#firstAt + attempts.length * this.#hedgeAfterMs - now;
    return waitMs > EARLY_MS ? waitMs : 0;
  }

  /** Whether an attempt of this call went to `endpoint` already, and was not refused unseen. */
  isExcluded(endpoint: Endpoint): boolean {
    if (this.#attempts === undefined) return false;
    for (const attempt of this.#attempts) {
      // An instance that was lost and listed again has another endpoint, and the same key.
      if (attempt.endpoint.key === endpoint.key && !attempt.isRefused) return true;
    }
    return false;
  }
}
