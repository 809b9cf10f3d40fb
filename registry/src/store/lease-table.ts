interface Lease<Owner> {
  readonly ttlSeconds: number;
  readonly owner: Owner;
  expiresAtMs: number;
}

/** Leases and what lives by them. `now` is a monotonic clock in milliseconds. */
export class LeaseTable<Owner> {
  readonly #leases = new Map<bigint, Lease<Owner>>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#leases.size;
  }

  grant(id: bigint, ttlSeconds: number, owner: Owner): void {
    this.#leases.set(id, { ttlSeconds, owner, expiresAtMs: this.#now() + ttlSeconds * 1000 });
  }

  /** Gives a lease its full time again. Answers its seconds, 0 when it is unknown or past its time. */
  renew(id: bigint): number {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.expiresAtMs <= this.#now()) return 0;
    lease.expiresAtMs = this.#now() + lease.ttlSeconds * 1000;
    return lease.ttlSeconds;
  }

  /** Whether a lease is there and not past its time. */
  has(id: bigint): boolean {
    const lease = this.#leases.get(id);
    return lease !== undefined && lease.expiresAtMs > this.#now();
  }

  /** Ends a lease now. Answers whether it was there. */
  revoke(id: bigint): boolean {
    return this.#leases.delete(id);
  }

  /** Removes the leases past their time and answers what lived by them. */
  expire(): Owner[] {
    const now = this.#now();
    const gone: Owner[] = [];
    for (const [id, { expiresAtMs, owner }] of this.#leases) {
      if (expiresAtMs > now) continue;
      this.#leases.delete(id);
      gone.push(owner);
    }
    return gone;
  }

  /** Gives every lease more time: for a pause of the table's own, in which none could be renewed. */
  postpone(byMs: number): void {
    for (const lease of this.#leases.values()) lease.expiresAtMs += byMs;
  }
}
