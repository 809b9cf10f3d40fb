import type { Breaker, Passage } from '../breaker/breaker.ts';
import { classify, type Outcome } from '../breaker/classify.ts';
import type { AttemptRecord, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';

/** Who keeps the counts: the balancer. */
interface Ledger {
  now(): number;
  countIn(attempt: Attempt, now: number): void;
  countOut(attempt: Attempt, outcome: Outcome, now: number, restMs?: number): void;
  sent(attempt: Attempt): void;
  observed(attempt: Attempt, statusCode: number, durationMs: number): void;
}

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
  readonly #ledger: Ledger;
  readonly #breaker: Breaker;
  readonly #passage: Passage;
  #isCounted = true;
  #isExcused = false;
  #record: AttemptRecord | undefined;

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
    ledger.countIn(this, startedAt);
  }

  /** Takes the pick back unless it has been sent. One that is sent after all counts again. */
  abandon(): void {
    if (this.#record !== undefined || !this.#isCounted) return;
    this.#isCounted = false;
    this.#breaker.ended(this.#passage, 'neutral');
    this.#ledger.countOut(this, 'neutral', this.#ledger.now());
  }

  start(): void {
    this.#record = this.call.attempted(this.endpoint);
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.startedAt = this.#ledger.now();
      this.#ledger.countIn(this, this.startedAt);
    }
    this.#ledger.sent(this);
  }

  /**
   * Its end will say nothing of the endpoint: it is given up because the endpoint was left out already.
   * That has been paid for, and as failures such ends would open the breaker for much longer.
   */
  excuse(): void {
    this.#isExcused = true;
  }

  /**
   * The server has not looked at it, as when it closes the connection: the same endpoint may be asked
   * again, unless it goes on like that. Called before `end`.
   */
  refuse(): void {
    if (this.#record === undefined || !this.endpoint.refused(this.#ledger.now())) return;
    this.#isExcused = true;
    this.#record.isRefused = true;
  }

  /**
   * @param statusCode of gRPC; details and trailers are kept for whoever asks how the call fared
   * @param restMs how long the endpoint asks to be left alone, in ms; undefined when it does not
   */
  end(statusCode: number, details = '', trailers?: unknown, restMs?: number): void {
    if (this.#record === undefined || this.#record.end !== undefined) return;
    const now = this.#ledger.now();
    const durationMs = now - this.startedAt;
    this.#record.end = { statusCode, details, trailers, durationMs };
    this.#ledger.observed(this, statusCode, durationMs);
    this.#isCounted = false;
    // One that says it is overloaded is left alone for a while, and is not broken.
    const isNeutral = this.#isExcused || restMs !== undefined;
    const outcome = isNeutral ? 'neutral' : classify(statusCode);
    this.#breaker.ended(this.#passage, outcome);
    this.#ledger.countOut(this, outcome, now, restMs);
  }
}
