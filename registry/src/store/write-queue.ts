import { StoreError } from '../errors.ts';

export interface WriteQueueOptions {
  /** Writes at once. */
  limit: number;
  /** Whether the store seems to be away: waiting then is of no use. */
  isAway: () => boolean;
  /** How long a write waits for its turn while the store is away. Default 2000. */
  awayMs?: number;
  /** How long it waits at most. Default 10,000. */
  maxMs?: number;
}

interface Waiter {
  resolve: () => void;
  timer: NodeJS.Timeout;
}

/**
 * Bounds the writes under way: a thousand at once are slower than one after the other, until all of
 * them time out. What must not wait (renewals of leases, reads) goes past it.
 */
export class WriteQueue {
  readonly #options: Required<WriteQueueOptions>;
  readonly #waiting = new Set<Waiter>();
  #running = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = { awayMs: 2000, maxMs: 10_000, ...options };
  }

  /** Whether no more than one write is under way. */
  get isAlone(): boolean {
    return this.#running <= 1;
  }

  /**
   * Runs a write in its turn and answers what it answers.
   * @throws StoreError `unavailable` when its turn does not come in time.
   */
  async run<T>(write: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.limit) this.#running += 1;
    else await this.#turn();
    try {
      return await write();
    } finally {
      this.#next();
    }
  }

  #turn(): Promise<void> {
    const { awayMs, maxMs, isAway } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(waiter);
        reject(new StoreError('unavailable', 'too many writes wait for the store'));
      };
      const look = () => {
        if (isAway()) giveUp();
        else waiter.timer = setTimeout(giveUp, maxMs - awayMs);
      };
      const waiter: Waiter = { resolve, timer: setTimeout(look, awayMs) };
      this.#waiting.add(waiter);
    });
  }

  /** Hands the turn of a write that is done to the one that has waited longest. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(first);
    clearTimeout(first.timer);
    first.resolve();
  }
}
