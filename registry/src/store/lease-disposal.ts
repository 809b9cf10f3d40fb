import { type Log, leaseText, pause } from '@weft/proto';
import type { EtcdClient } from './etcd-client.ts';

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
/** Within it etcd does what it was asked for before, or never will: it gives up after 7 s. */
const UNCERTAIN_MS = 10_000;

/**
 * Revokes leases in the background. One that cannot be revoked now is tried again, more and more
 * slowly, until it has surely ended by itself: without its key it would show a mesh that is not.
 */
export class LeaseDisposal {
  readonly #client: Pick<EtcdClient, 'revoke'>;
  readonly #log: Log;
  readonly #running = new Map<bigint, Promise<void>>();
  readonly #closer = new AbortController();

  constructor(client: Pick<EtcdClient, 'revoke'>, log: Log) {
    this.#client = client;
    this.#log = log;
  }

  /** Whether a lease is being given up: what hangs on it still is about to go. */
  has(leaseId: bigint): boolean {
    return this.#running.has(leaseId);
  }

  /**
   * Gives up a lease that has `ttlSeconds` at most. One whose grant is under way may come yet, and once
   * more after it was revoked, since a grant is tried at one member after the other: it is looked for
   * until a while after `granted` has settled.
   */
  giveUp(leaseId: bigint, ttlSeconds: number, granted?: Promise<unknown>): void {
    if (this.has(leaseId)) return;
    const running = this.#revoke(leaseId, ttlSeconds * 1000, granted).finally(() =>
      this.#running.delete(leaseId),
    );
    this.#running.set(leaseId, running);
  }

  /** Waits for the attempts under way, and makes no more. */
  async close(): Promise<void> {
    this.#closer.abort();
    await Promise.all(this.#running.values());
  }

  async #revoke(leaseId: bigint, ttlMs: number, granted?: Promise<unknown>): Promise<void> {
    const { signal } = this.#closer;
    let mayComeUntilMs = performance.now();
    if (granted !== undefined) {
      mayComeUntilMs = Number.POSITIVE_INFINITY;
      const settled = () => {
        mayComeUntilMs = performance.now() + UNCERTAIN_MS;
      };
      granted.then(settled, settled);
    }
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
      const askedMs = performance.now();
      try {
        await this.#client.revoke(leaseId);
        if (askedMs >= mayComeUntilMs || signal.aborted) return;
      } catch (error) {
        if (signal.aborted || performance.now() + retryMs >= mayComeUntilMs + ttlMs) {
          this.#log.warn({ err: error, lease: leaseText(leaseId) }, 'a lease is left to its end');
          return;
        }
      }
      await pause(retryMs * (0.5 + Math.random() / 2), signal);
    }
  }
}
