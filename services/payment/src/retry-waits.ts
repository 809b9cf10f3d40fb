/** The first wait before order-service is called again, and the longest, in ms. */
const FIRST_MS = 100;
const LONGEST_MS = 5000;

/**
 * The waits between attempts, in ms, without end. Each is half random, so that instances do not call in
 * step; the bound doubles from 100 ms to 5 s.
 */
export function* retryWaits(random: () => number): Generator<number, never> {
  for (let boundMs = FIRST_MS; ; boundMs = Math.min(2 * boundMs, LONGEST_MS)) {
    yield boundMs * (0.5 + random() / 2);
  }
}
