import { randomUUID } from 'node:crypto';
import type { Replica } from './registry-connection.ts';

/** How long the registry may take to hear one, in ms. */
const TIMEOUT_MS = 2000;
/** How long the registry may take to hear that a watch is closed, in ms. A program waits for it to end. */
const CLOSED_TIMEOUT_MS = 500;

/**
 * Tells the registry by which revision a watch's followers route their calls, where it asks: so that an
 * instance that leaves knows when nobody calls it any more. One at a time, the latest revision only;
 * what is lost is made good when the watch is resumed.
 */
export class Acknowledger {
  /** Names the watch. */
  readonly watchId = randomUUID();
  readonly #signal: AbortSignal;
  #next: { readonly replica: Replica; readonly revision: bigint } | undefined;
  #isTelling = false;

  /** @param signal aborts when the watch is closed */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Calls are routed by `revision` from now on. */
  routed(replica: Replica, revision: bigint): void {
    this.#next = { replica, revision };
    if (this.#isTelling) return;
    this.#isTelling = true;
    // Calls that were picked before are on their way by then.
    setImmediate(() => void this.#tell());
  }

  /** Tells the registry that the watch is closed, and no calls are routed by it: no drain waits for it then. */
  async closed(replica: Replica): Promise<void> {
    const request = { watchId: this.watchId, closed: true };
    const signal = AbortSignal.timeout(CLOSED_TIMEOUT_MS);
    await replica.client.acknowledge(request, { signal }).catch(() => {});
  }

  async #tell(): Promise<void> {
    while (this.#next !== undefined && !this.#signal.aborted) {
      const { replica, revision } = this.#next;
      this.#next = undefined;
      const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const request = { watchId: this.watchId, revision };
      await replica.client.acknowledge(request, { signal }).catch(() => {});
    }
    this.#isTelling = false;
  }
}
