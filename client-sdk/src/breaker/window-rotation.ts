/** Number of steps in which the window of a breaker rolls. */
export const WINDOW_BUCKETS = 10;

/**
 * One timer that rolls the windows of all breakers of a mesh, instead of one timer for each. It runs
 * only while a breaker has something in its window.
 */
export class WindowRotation {
  readonly #stepMs: number;
  readonly #rolls = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(windowMs: number) {
    this.#stepMs = windowMs / WINDOW_BUCKETS;
  }

  /** Number of windows that are rolled. */
  get size(): number {
    return this.#rolls.size;
  }

  /** Calls `roll` at each step from now on. */
  add(roll: () => void): void {
    if (this.#rolls.has(roll)) return;
    this.#rolls.add(roll);
    this.#timer ??= setInterval(() => {
      for (const each of this.#rolls) each();
    }, this.#stepMs).unref();
  }

  delete(roll: () => void): void {
    this.#rolls.delete(roll);
    if (this.#rolls.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
