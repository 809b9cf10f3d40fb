import type { Passage } from '../breaker/breaker.ts';
import { classify } from '../breaker/classify.ts';
import type { AttemptRecord, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';

/** Who keeps the in-flight counts. */
interface InFlightLedger {
  countIn(endpoint: Endpoint): void;
  countOut(endpoint: Endpoint): void;
}

/**
 * One attempt of a call at one endpoint, from pick to outcome. It counts as in flight from the pick
 * on, so that the next pick in the same turn sees it. The transport calls `start` when it sends it
 * and then `end` exactly once; a pick that it does not send is given up by `abandon`.
 */
export class Attempt {
  readonly kind = 'attempt';
  readonly endpoint: Endpoint;
  readonly #ledger: InFlightLedger;
  readonly #passage: Passage;
  readonly #call: CallRecord;
  #isCounted = true;
  #record: AttemptRecord | undefined;
  #startedAt = 0;

  constructor(ledger: InFlightLedger, endpoint: Endpoint, passage: Passage, call: CallRecord) {
    this.#ledger = ledger;
    this.endpoint = endpoint;
    this.#passage = passage;
    this.#call = call;
    ledger.countIn(endpoint);
  }

  /** Takes the pick back unless it has been sent. One that is sent after all counts again. */
  abandon(): void {
    if (this.#record !== undefined || !this.#isCounted) return;
    this.#countOut();
    this.endpoint.breaker.ended(this.#passage, 'neutral');
  }

  start = (): void => {
    this.#record = this.#call.attempted(this.endpoint);
    this.#startedAt = performance.now();
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.#ledger.countIn(this.endpoint);
  };

  /** @param statusCode of gRPC; the rest is kept for whoever asks how the call fared */
  end = (statusCode: number, details = '', trailers?: unknown): void => {
    if (this.#record === undefined || this.#record.end !== undefined) return;
    const durationMs = performance.now() - this.#startedAt;
    this.#record.end = { statusCode, details, trailers, durationMs };
    this.#countOut();
    const outcome = this.#call.isUnsendable ? 'neutral' : classify(statusCode);
    this.endpoint.breaker.ended(this.#passage, outcome);
  };

  #countOut(): void {
    this.#isCounted = false;
    this.#ledger.countOut(this.endpoint);
  }
}
