import { setTimeout } from 'node:timers/promises';

const FIRST_WAIT_MS = 2;
const LAST_WAIT_MS = 25;

export interface BusyWait {
  /** Whether an error says that another process has the lock. */
  isBusy: (error: unknown) => boolean;
  /** Whether to give up: the time is over, or the caller is gone. */
  isOver: () => boolean;
  /** Spreads those who wait for the same lock. Default Math.random. */
  random?: () => number;
}

/**
 * Runs `work` again and again until the lock that `work` needs is free. The event loop runs on between two
 * tries, which are 2 to 25 ms apart. `work` runs at least once, also when the wait is over from the start.
 * @throws what `work` throws; an error of the lock only once the wait is over
 */
export async function whenFree<T>(
  work: () => T,
  { isBusy, isOver, random = Math.random }: BusyWait,
): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LAST_WAIT_MS)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || isOver()) throw error;
    }
    await setTimeout(waitMs * (0.5 + random() / 2));
  }
}
