import type { Endpoint } from './endpoint.ts';

/** Longest wait of the first calls for the other connections, in ms. */
export const FIRST_PICKS_MS = 250;

/**
 * Holds back the first picks of a client until its connections are made, so that the first calls spread
 * over all instances. Without it the first burst, and every stream in it, goes to the instance that is
 * connected first.
 *
 * The wait ends when every listed endpoint is connected or has failed to connect, and FIRST_PICKS_MS
 * after the first endpoint became known.
 */
export class FirstPicks {
  readonly #onReleased: () => void;
  #state: 'unknown' | 'held' | 'released' = 'unknown';
  #timer: NodeJS.Timeout | undefined;

  /** @param onReleased called when the wait ends by itself, between two updates */
  constructor(onReleased: () => void) {
    this.#onReleased = onReleased;
  }

  /** Whether calls have to wait now. */
  get areHeld(): boolean {
    return this.#state === 'held';
  }

  /** To be called after each change of the endpoints or their connections. */
  update(endpoints: Iterable<Endpoint>): void {
    if (this.#state === 'released') return;
    let isListed = false;
    for (const endpoint of endpoints) {
      if (!endpoint.isListedForCalls) continue;
      isListed = true;
      if (endpoint.connection.state !== 'connecting') continue;
      this.#hold();
      return;
    }
    if (isListed) this.close();
  }

  /** Holds nothing back from now on. */
  close(): void {
    this.#state = 'released';
    clearTimeout(this.#timer);
  }

  #hold(): void {
    if (this.#state === 'held') return;
    this.#state = 'held';
    this.#timer = setTimeout(() => {
      this.close();
      this.#onReleased();
    }, FIRST_PICKS_MS).unref();
  }
}
