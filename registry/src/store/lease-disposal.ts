import { type Log, pause } from '@weft/proto';
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
   * Gives up a lease that has `ttlSeconds` at most. One that is `uncertain`, its grant not having been
   * answered, may be granted yet, so that not finding it does not mean that it is gone.
   */
  giveUp(leaseId: bigint, ttlSeconds: number, { uncertain = false } = {}): void {
    if (this.has(leaseId)) return;
    const running = this.#revoke(leaseId, ttlSeconds, uncertain).finally(() =>
      this.#running.delete(leaseId),
    );
    this.#running.set(leaseId, running);
  }

  /** Waits for the attempts under way, and makes no more. */
  async close(): Promise<void> {
    this.#closer.abort();
    await Promise.all(this.#running.values());
  }

  async #revoke(leaseId: bigint, ttlSeconds: number, uncertain: boolean): Promise<void> {
    const { signal } = this.#closer;
    const end = performance.now() + ttlSeconds * 1000;
    let missingSince: number | undefined;
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
      try {
        const isFound = (await this.#client.revoke(leaseId)) !== undefined;
        missingSince ??= performance.now();
        const mayCome = uncertain && performance.now() - missingSince < UNCERTAIN_MS;
        if (isFound || !mayCome || signal.aborted) return;
      } catch (error) {
        const isOver = signal.aborted || performance.now() + retryMs >= end;
        if (isOver) {
          this.#log.warn({ err: error, leaseId: `${leaseId}` }, 'a lease is left to its end');
          return;
        }
      }
      await pause(retryMs * (0.5 + Math.random() / 2), signal);
    }
  }
}
