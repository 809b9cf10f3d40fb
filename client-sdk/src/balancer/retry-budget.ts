import type { RetryBudgetOptions } from '../policy/service-policy.ts';

/** How long calls and retries are remembered, in ms. */
const WINDOW_MS = 10_000;
const BUCKETS = 10;
const BUCKET_MS = WINDOW_MS / BUCKETS;

/** What is known of a call's attempts. */
interface FundedCall {
  /** Attempts made, the one that is asked for not included. */
  readonly made: number;
  /** Attempts that are paid for. */
  funded: number;
}

/**
 * How many retries a service may be sent: a share of the calls of the last 10 s, and a few a second
 * besides, so that rare calls are retried too (Finagle's `RetryBudget`). It allows the burst after an
 * instance has died with many calls in flight, and still keeps retries from becoming the outage.
 */
export class RetryBudget {
  readonly #calls = new Float64Array(BUCKETS);
  readonly #retries = new Float64Array(BUCKETS);
  #callSum = 0;
  #retrySum = 0;
  #bucket: number;

  constructor(now: number) {
    this.#bucket = Math.floor(now / BUCKET_MS);
  }

  /** A call has begun. */
  deposit(now: number): void {
    this.#roll(now);
    const index = this.#bucket % BUCKETS;
    this.#calls[index] = (this.#calls[index] as number) + 1;
    this.#callSum += 1;
  }

  /** Whether one more retry is allowed; it then counts. */
  withdraw(now: number, { ratio, minPerSecond }: Required<RetryBudgetOptions>): boolean {
    this.#roll(now);
    const allowed = this.#callSum * ratio + (minPerSecond * WINDOW_MS) / 1000;
    if (this.#retrySum + 1 > allowed) return false;
    const index = this.#bucket % BUCKETS;
    this.#retries[index] = (this.#retries[index] as number) + 1;
    this.#retrySum += 1;
    return true;
  }

  /**
   * Pays for the next attempt of `call`, once; the first attempt is free.
   * @returns false if the budget is spent
   */
  pay(call: FundedCall, now: number, options: Required<RetryBudgetOptions>): boolean {
    if (call.funded > call.made) return true;
    if (call.funded === 0) this.deposit(now);
    else if (!this.withdraw(now, options)) return false;
    call.funded = call.made + 1;
    return true;
  }

  #roll(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS);
    const steps = Math.min(bucket - this.#bucket, BUCKETS);
    for (let step = 1; step <= steps; step += 1) {
      const index = (this.#bucket + step) % BUCKETS;
      this.#callSum -= this.#calls[index] as number;
      this.#retrySum -= this.#retries[index] as number;
      this.#calls[index] = 0;
      this.#retries[index] = 0;
    }
    if (steps > 0) this.#bucket = bucket;
  }
}
