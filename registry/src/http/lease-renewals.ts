import type { Writes } from '../limits/guarded-writes.ts';
import type { Catalog } from '../store/catalog.ts';

/** More than there are instances, before leases that have ended are looked for. */
const SLACK = 1000;

/**
 * When this registry granted or renewed each lease, on the monotonic clock in ms. Of what other
 * replicas renewed it knows nothing.
 */
export class LeaseRenewals {
  readonly #catalog: Pick<Catalog, 'ofLease' | 'size'>;
  readonly #now: () => number;
  readonly #times = new Map<bigint, number>();

  constructor(
    catalog: Pick<Catalog, 'ofLease' | 'size'>,
    now: () => number = () => performance.now(),
  ) {
    this.#catalog = catalog;
    this.#now = now;
  }

  /** Leases held. */
  get size(): number {
    return this.#times.size;
  }

  note(leaseId: bigint): void {
    // The latest stand last.
    this.#times.delete(leaseId);
    this.#times.set(leaseId, this.#now());
    if (this.#times.size > 2 * this.#catalog.size + SLACK) this.#forgetEnded();
  }

  /** Leases renewed within the last `withinMs`, and how long ago, in ms. */
  latest(withinMs: number): (readonly [leaseId: bigint, agoMs: number])[] {
    const now = this.#now();
    return [...this.#times]
      .map(([leaseId, at]) => [leaseId, now - at] as const)
      .filter(([, agoMs]) => agoMs <= withinMs);
  }

  /** The same writes, of which each lease granted or renewed is noted. */
  noting(writes: Writes): Writes {
    return {
      ...writes,
      register: async (description, ttlSeconds) => {
        const written = await writes.register(description, ttlSeconds);
        this.note(written.instance.leaseId);
        return written;
      },
      keepAlive: async (leaseIds) => {
        const seconds = await writes.keepAlive(leaseIds);
        for (const [index, leaseId] of leaseIds.entries()) {
          if ((seconds[index] ?? 0) > 0) this.note(leaseId);
        }
        return seconds;
      },
    };
  }

  #forgetEnded(): void {
    for (const leaseId of this.#times.keys()) {
      if (this.#catalog.ofLease(leaseId) === undefined) this.#times.delete(leaseId);
    }
  }
}
