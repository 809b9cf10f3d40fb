/** A periodic task that runs only while there is something to do. Keeps no process alive. */
export class Ticker {
  readonly #periodMs: number;
  readonly #task: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param task answers whether it has to run again */
  constructor(periodMs: number, task: () => boolean) {
    this.#periodMs = periodMs;
    this.#task = task;
  }

  /** Sees to it that the task runs, one period from now at the latest. Answers whether it rested. */
  wake(): boolean {
    if (this.#timer !== undefined || this.#isClosed) return false;
    this.#timer = setInterval(() => {
      if (!this.#task()) this.#stop();
    }, this.#periodMs).unref();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
