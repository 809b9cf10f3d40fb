export interface BackoffOptions {
  /** Wait before the first retry; default 100 ms. */
  initialMs?: number;
  /** Longest wait; default 2000 ms. */
  maxMs?: number;
  /** Growth per try; default 2. */
  factor?: number;
  /** Default: Math.random. */
  random?: () => number;
}

/**
 * Exponential backoff with equal jitter (Exponential Backoff And Jitter, AWS Architecture Blog 2015):
 * half of each wait is fixed, so that no client spins, half is random, so that clients spread out.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #tries = 0;

  constructor({
    initialMs = 100,
    maxMs = 2000,
    factor = 2,
    random = Math.random,
  }: BackoffOptions = {}) {
    this.#options = { initialMs, maxMs, factor, random };
  }

  /** How long to wait now, in ms; longer at each call until `reset`. */
  nextMs(): number {
    const { initialMs, maxMs, factor, random } = this.#options;
    const ceiling = Math.min(maxMs, initialMs * factor ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 32);
    return ceiling / 2 + (ceiling / 2) * random();
  }

  /** After a success: the next wait is the first again. */
  reset(): void {
    this.#tries = 0;
  }
}
