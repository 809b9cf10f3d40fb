/** Bounds how much goes on at once; who comes too early waits, first come, first served. */
export class Turns {
  readonly #waiting = new Set<(isTurn: boolean) => void>();
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Waits for a turn. Answers whether it has come before `signal` aborted: give it back then. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => {
      if (this.#waiting.delete(resolve)) resolve(false);
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', giveUp, { once: true });
    const isTurn = await promise;
    signal.removeEventListener('abort', giveUp);
    return isTurn;
  }

  /** Gives a turn back. */
  give(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(first);
    first(true);
  }
}
