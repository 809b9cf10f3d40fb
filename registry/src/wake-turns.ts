/** How many are woken in one turn of the event loop. */
const PER_TURN = 32;

/**
 * Wakes many one after the other, so many to a turn of the event loop: what the first ones write has left
 * when the last ones begin, and others who want something of this process are heard in between.
 */
export class WakeTurns {
  #waiting: (() => void)[] = [];
  #left = PER_TURN;
  #isTurnComing = false;

  /** Calls `wake` at once while this turn has room, else in a later one. */
  add(wake: () => void): void {
    if (!this.#isTurnComing) {
      this.#isTurnComing = true;
      setImmediate(() => this.#next());
    }
    if (this.#left > 0) {
      this.#left -= 1;
      wake();
    } else {
      this.#waiting.push(wake);
    }
  }

  #next(): void {
    const due = this.#waiting.splice(0, PER_TURN);
    this.#left = PER_TURN - due.length;
    this.#isTurnComing = due.length > 0;
    if (this.#isTurnComing) setImmediate(() => this.#next());
    for (const wake of due) wake();
  }
}
