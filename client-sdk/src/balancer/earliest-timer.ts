/** A timer that runs its task at the earliest of the times asked for. Keeps no process alive. */
export class EarliestTimer {
  readonly #task: () => void;
  #dueAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(task: () => void) {
    this.#task = task;
  }

  /** Runs the task in `ms`, or earlier if it is due earlier; `now` is the monotonic time in ms. */
  fireIn(ms: number, now: number): void {
    if (now + ms >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = now + ms;
    this.#timer = setTimeout(() => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#task();
    }, ms).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
