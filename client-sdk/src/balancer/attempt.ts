import type { Breaker, Passage } from '../breaker/breaker.ts';
import { classify } from '../breaker/classify.ts';
import type { AttemptRecord, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';

/** Who keeps the in-flight counts. */
interface InFlightLedger {
  attemptStarted(endpoint: Endpoint): void;
  attemptEnded(endpoint: Endpoint): void;
}

/**
 * One attempt of a call at one endpoint, from pick to outcome. The transport calls `start` when it
 * has sent it and then `end` exactly once; a pick that never starts needs neither.
 */
export class Attempt {
  readonly kind = 'attempt';
  readonly endpoint: Endpoint;
  readonly #ledger: InFlightLedger;
  readonly #breaker: Breaker;
  readonly #passage: Passage;
  readonly #call: CallRecord;
  #record: AttemptRecord | undefined;

  constructor(ledger: InFlightLedger, endpoint: Endpoint, passage: Passage, call: CallRecord) {
    this.#ledger = ledger;
    this.endpoint = endpoint;
    this.#breaker = endpoint.breaker;
    this.#passage = passage;
    this.#call = call;
  }

  start = (): void => {
    this.#record = { endpoint: this.endpoint, statusCode: undefined };
    this.#call.attempts.push(this.#record);
    this.#breaker.started(this.#passage);
    this.#ledger.attemptStarted(this.endpoint);
  };

  /** @param statusCode gRPC status code the attempt ended with */
  end = (statusCode: number): void => {
    if (this.#record === undefined || this.#record.statusCode !== undefined) return;
    this.#record.statusCode = statusCode;
    this.#ledger.attemptEnded(this.endpoint);
    const outcome = this.#call.isUnsendable ? 'neutral' : classify(statusCode);
    this.#breaker.ended(this.#passage, outcome);
  };
}
