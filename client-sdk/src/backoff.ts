export interface BackoffOptions {
  /** Longest wait before the first retry; default 100 ms. */
  initialMs?: number;
  /** Longest wait of all; default 2000 ms. */
  maxMs?: number;
  /** Growth per try; default 2. */
  factor?: number;
  /** Default: Math.random. */
  random?: () => number;
}

/**
 * Exponential backoff with full jitter (Exponential Backoff And Jitter, AWS Architecture Blog 2015):
 * each wait is anything up to its ceiling, so that those who lost the same server in the same moment
 * come back to it spread out.
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

  /**
   * How long to wait now, in ms; longer at each call until `reset`.
   * @param isElsewhere the next try goes to another server: if it is the first, it need not wait
   */
  nextMs(isElsewhere = false): number {
    const { initialMs, maxMs, factor, random } = this.#options;
    const isFirst = this.#tries === 0;
    const ceiling = Math.min(maxMs, initialMs * factor ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 32);
    return isFirst && isElsewhere ? 0 : ceiling * random();
  }

  /** After a success: the next wait is the first again. */
  reset(): void {
    this.#tries = 0;
  }
}
