import type { Breaker, Passage } from '../breaker/breaker.ts';
import { classify, type EndedBy, isTimeout, type Outcome } from '../breaker/classify.ts';
import type { AttemptRecord, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';

/** How an attempt ended, besides its status code. */
export interface AttemptEnding {
  /** Message of the status. Default empty. */
  readonly details?: string;
  /** Trailers, in the transport's own form. They are kept for the report. */
  readonly trailers?: unknown;
  /** Default `server`. */
  readonly endedBy?: EndedBy;
  /** How long the endpoint asks to be left alone, in ms. Default: it does not ask. */
  readonly restMs?: number | undefined;
  /** How long the attempt was allowed to take, in ms. Timers fire late. Default: as long as it took. */
  readonly allowedMs?: number | undefined;
}

/** Who keeps the counts: the balancer. */
interface Ledger {
  now(): number;
  countIn(attempt: Attempt, now: number): void;
  countOut(attempt: Attempt, outcome: Outcome, ending: CountedEnding, now: number): void;
  /** How long this client has waited for the attempt, in ms, without pauses of this process. */
  waitedMs(attempt: Attempt, now: number): number;
  /** How long the siblings of its endpoint take for its method, in ms, as far as known. */
  siblingsMs(attempt: Attempt, now: number): readonly number[];
  sent(attempt: Attempt): void;
  responded(attempt: Attempt, now: number): void;
  observed(attempt: Attempt, statusCode: number, durationMs: number): void;
}

/** What the balancer counts of an ending. */
export interface CountedEnding {
  /** Whether the server sent the status, so that it is not silent. */
  readonly isFromServer: boolean;
  /** How long this client waited before it gave up, in ms; undefined if it did not. */
  readonly timedOutAfterMs?: number | undefined;
  /** How long the endpoint asks to be left alone, in ms. */
  readonly restMs?: number | undefined;
}

/** How often the responses of one stream count as a success, in ms. */
const COUNT_RESPONSES_MS = 1000;

const TAKEN_BACK: CountedEnding = { isFromServer: false };

/**
 * One attempt of a call at one endpoint, from pick to outcome. It counts as in flight from the pick
 * on, so that the next pick in the same turn sees it. The transport calls `start` when it sends it
 * and then `end` exactly once; a pick that it does not send is given up by `abandon`.
 */
export class Attempt {
  readonly kind = 'attempt';
  readonly endpoint: Endpoint;
  readonly call: CallRecord;
  /** When it was picked or, once sent, when it was sent. */
  startedAt: number;
  /** Whether it is known how long it may take: the balancer keeps it so. */
  isAwaited = false;
  /** How long this process had stood still before the attempt started, in ms. The balancer sets it. */
  stoodStillMs = 0;
  readonly #ledger: Ledger;
  readonly #breaker: Breaker;
  readonly #passage: Passage;
  #isCounted = true;
  #isExcused = false;
  #record: AttemptRecord;
  /** When it last counted as a success, in ms. */
  #respondedAt = Number.NEGATIVE_INFINITY;

  constructor(
    ledger: Ledger,
    endpoint: Endpoint,
    passage: Passage,
    call: CallRecord,
    startedAt: number,
  ) {
    this.#ledger = ledger;
    this.endpoint = endpoint;
    this.#breaker = endpoint.breaker;
    this.#passage = passage;
    this.call = call;
    this.startedAt = startedAt;
    this.#record = call.picked(endpoint, startedAt);
    ledger.countIn(this, startedAt);
  }

  /** Takes the pick back unless it has been sent. One that is sent after all counts again. */
  abandon(): void {
    if (this.#record.isSent || !this.#isCounted) return;
    this.#isCounted = false;
    this.call.dropped(this.#record);
    this.#breaker.ended(this.#passage, 'neutral');
    this.#ledger.countOut(this, 'neutral', TAKEN_BACK, this.#ledger.now());
  }

  start(): void {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.startedAt = this.#ledger.now();
      this.#record = this.call.picked(this.endpoint, this.startedAt);
      this.#ledger.countIn(this, this.startedAt);
    }
    this.#record.isSent = true;
    this.#ledger.sent(this);
  }

  /**
   * The endpoint has sent a part of the response of a stream. A stream may last for hours, so each part
   * counts as a success, at most once in COUNT_RESPONSES_MS.
   */
  responded(): void {
    const now = this.#ledger.now();
    if (now - this.#respondedAt < COUNT_RESPONSES_MS) return;
    this.#respondedAt = now;
    this.#breaker.ended(this.#passage, 'success');
    this.#ledger.responded(this, now);
  }

  /**
   * Its end will say nothing of the endpoint: it is given up because the endpoint was left out already.
   * That has been paid for, and as failures such ends would open the breaker for much longer.
   */
  excuse(): void {
    this.#isExcused = true;
  }

  /**
   * The server has refused the attempt unread: the same endpoint may be asked again, and the retry budget
   * does not pay for it. A server may refuse what comes as it ends the connection. If it refuses on a
   * connection that goes on, it may do so for a short time only. Called before `end`.
   *
   * @returns whether that holds, so that any call may be repeated
   */
  refuse(isConnectionOver: boolean): boolean {
    if (!this.#record.isSent) return false;
    if (!isConnectionOver && !this.endpoint.refused(this.#ledger.now())) return false;
    this.#isExcused = true;
    this.#record.isRefused = true;
    return true;
  }

  /**
   * The attempt has ended. Later calls do nothing.
   * @param statusCode of gRPC
   */
  end(statusCode: number, ending: AttemptEnding = {}): void {
    if (!this.#record.isSent || this.#record.end !== undefined) return;
    const { details = '', trailers, endedBy = 'server', restMs } = ending;
    const { allowedMs = Number.POSITIVE_INFINITY } = ending;
    const now = this.#ledger.now();
    const durationMs = now - this.startedAt;
    this.#record.end = { statusCode, details, trailers, endedBy, durationMs };
    this.#ledger.observed(this, statusCode, durationMs);
    this.#isCounted = false;
    const hasTimedOut = isTimeout({ statusCode, endedBy });
    const waitedMs = hasTimedOut ? Math.min(allowedMs, this.#ledger.waitedMs(this, now)) : 0;
    const outcome = this.#outcome(statusCode, endedBy, restMs, waitedMs, now);
    // The end of a stream that has just counted as a success is no other success.
    const isCounted = outcome === 'success' && now - this.#respondedAt < COUNT_RESPONSES_MS;
    this.#breaker.ended(this.#passage, isCounted ? 'neutral' : outcome);
    const timedOutAfterMs = hasTimedOut ? waitedMs : undefined;
    const isFromServer = endedBy === 'server';
    this.#ledger.countOut(this, outcome, { isFromServer, timedOutAfterMs, restMs }, now);
  }

  #outcome(
    statusCode: number,
    endedBy: EndedBy,
    restMs: number | undefined,
    waitedMs: number,
    now: number,
  ): Outcome {
    const hasPushback = restMs !== undefined;
    // An instance that rests already has been counted for it. Calls that were under way then say no more.
    if (this.#isExcused || (hasPushback && this.endpoint.restingUntil > now)) return 'neutral';
    const siblingsMs = isTimeout({ statusCode, endedBy }) ? this.#ledger.siblingsMs(this, now) : [];
    return classify({ statusCode, endedBy, hasPushback, waitedMs, siblingsMs });
  }
}
