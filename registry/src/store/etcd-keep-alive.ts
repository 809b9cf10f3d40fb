import { StoreError } from '../errors.ts';
import { Turns } from '../health/turns.ts';
import type { EtcdClient } from './etcd-client.ts';
import { LeaseStream, overdue, RENEWAL_MS } from './lease-stream.ts';

/**
 * A lease is taken to live until so long before its end, in ms: a renewal takes time to reach etcd.
 */
const MARGIN_MS = 500;
/** How often ended leases are forgotten, in ms. */
const FORGET_MS = 60_000;
/** Ended leases remembered at most. */
const MOST_ENDED = 50_000;
/** By then, a lease that had less than a second left has expired, unless it was renewed. In ms. */
const CERTAIN_MS = 1000;
/** Leases looked at at once. */
const LOOKS = 64;

const stopping = () => new StoreError('unavailable', 'this registry is stopping');

/**
 * Renews any number of leases. Leases that are known to live share one stream to etcd. Any other
 * lease is first looked at, which etcd answers at once: the renewal of an expired lease would hold
 * up the stream (see LeaseStream).
 */
export class EtcdKeepAlive {
  readonly #client: EtcdClient;
  /** Until when each lease lives for certain, on the clock of `performance.now()`. */
  readonly #aliveUntilMs = new Map<bigint, number>();
  /** Leases that have ended: owners that come back ask for them more than once. */
  readonly #ended = new Set<bigint>();
  readonly #living: LeaseStream;
  /**
   * For leases of which etcd cannot tell whether they have expired: they are within a second of
   * their end.
   */
  readonly #doubtful: LeaseStream;
  readonly #looks = new Turns(LOOKS);
  #forgotAtMs = performance.now();
  readonly #closer = new AbortController();

  constructor(client: EtcdClient) {
    this.#client = client;
    this.#living = new LeaseStream(client);
    this.#doubtful = new LeaseStream(client);
  }

  /**
   * Renews leases.
   * @returns the seconds that each lease has now, in order; 0 if it is unknown or expired
   * @throws StoreError `unavailable` if etcd does not answer for all of them in 2 s
   */
  async renew(leaseIds: readonly bigint[]): Promise<number[]> {
    return Promise.all(leaseIds.map((leaseId) => this.#renewOne(leaseId)));
  }

  /**
   * Notes that etcd has granted or renewed a lease.
   * @param ttlSeconds what the lease has then; 0 if it has ended
   * @param askedMs when etcd was asked to, on the clock of `performance.now()`
   */
  noteAlive(leaseId: bigint, ttlSeconds: number, askedMs: number): void {
    if (ttlSeconds === 0) {
      this.#aliveUntilMs.delete(leaseId);
      this.#ended.add(leaseId);
    } else {
      this.#aliveUntilMs.set(leaseId, askedMs + ttlSeconds * 1000);
      this.#ended.delete(leaseId);
    }
    if (this.#ended.size >= MOST_ENDED) this.#ended.clear();
    if (askedMs - this.#forgotAtMs < FORGET_MS) return;
    this.#forgotAtMs = askedMs;
    this.#ended.clear();
    for (const [known, untilMs] of this.#aliveUntilMs) {
      if (untilMs < askedMs) this.#aliveUntilMs.delete(known);
    }
  }

  /** Whether a lease was granted or renewed here, and lives as far as is known. */
  isKnown(leaseId: bigint): boolean {
    return performance.now() < (this.#aliveUntilMs.get(leaseId) ?? 0);
  }

  close(): void {
    this.#closer.abort();
    this.#living.fail(stopping());
    this.#doubtful.fail(stopping());
  }

  async #renewOne(leaseId: bigint): Promise<number> {
    if (this.#closer.signal.aborted) throw stopping();
    const askedMs = performance.now();
    if (this.#ended.has(leaseId)) return 0;
    const isLiving = askedMs + MARGIN_MS < (this.#aliveUntilMs.get(leaseId) ?? 0);
    const seconds = isLiving
      ? await this.#living.renew(leaseId, askedMs)
      : await this.#renewUnknown(leaseId, askedMs);
    this.noteAlive(leaseId, seconds, askedMs);
    return seconds;
  }

  /** Renews a lease that may have expired. */
  async #renewUnknown(leaseId: bigint, askedMs: number): Promise<number> {
    const seconds = await this.#secondsLeft(leaseId, askedMs);
    if (seconds < 0) return 0;
    if (seconds > 0) return this.#living.renew(leaseId, askedMs);
    const renewal = this.#doubtful.renew(leaseId, askedMs);
    const timer = setTimeout(async () => {
      const left = await this.#secondsLeft(leaseId, askedMs).catch(() => 0);
      if (left < 0) this.#doubtful.expired(leaseId);
    }, CERTAIN_MS).unref();
    return renewal.finally(() => clearTimeout(timer));
  }

  async #secondsLeft(leaseId: bigint, askedMs: number): Promise<number> {
    const { signal } = this.#closer;
    if (!(await this.#looks.take(signal))) throw stopping();
    try {
      if (performance.now() - askedMs > RENEWAL_MS) throw overdue();
      const seconds = await this.#client.secondsLeft(leaseId);
      if (signal.aborted) throw stopping();
      return seconds;
    } finally {
      this.#looks.give();
    }
  }
}
