export interface TokenBucketsOptions {
  /** Tokens that come back each second. */
  perSecond: number;
  /** Tokens of a bucket that is full. */
  burst: number;
  /** Buckets held; beyond, the one not used for longest goes, and its owner begins anew. Default 10,000. */
  maxOwners?: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket per owner: so much at once, and so much a second. */
export class TokenBuckets {
  readonly #options: Required<TokenBucketsOptions>;
  /** The one used last is last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: TokenBucketsOptions) {
    this.#options = { maxOwners: 10_000, ...options };
  }

  /** Owners with a bucket. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token at `nowMs` on the monotonic clock. Answers 0, or in how many ms there is one. */
  take(owner: string, nowMs: number): number {
    const { perSecond, burst, maxOwners } = this.#options;
    const known = this.#buckets.get(owner) ?? { tokens: burst, atMs: nowMs };
    const elapsedMs = Math.max(0, nowMs - known.atMs);
    const tokens = Math.min(burst, known.tokens + (elapsedMs * perSecond) / 1000);
    const isTaken = tokens >= 1;
    this.#buckets.delete(owner);
    this.#buckets.set(owner, { tokens: isTaken ? tokens - 1 : tokens, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > maxOwners && oldest !== undefined) this.#buckets.delete(oldest);
    return isTaken ? 0 : Math.ceil(((1 - tokens) * 1000) / perSecond);
  }
}
