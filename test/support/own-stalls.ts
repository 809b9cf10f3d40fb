import type { SteadyCall } from './steady-calls.ts';

/** Longer than that without a turn, a process takes its own connections for broken. */
const STALL_MS = 1000;

/** Notes when this process gets no turn, as on a machine with too much to do. Always close it. */
export function watchForOwnStalls() {
  const stalls: { from: number; until: number }[] = [];
  let from = performance.now();
  const timer = setInterval(() => {
    const until = performance.now();
    if (until - from > STALL_MS) stalls.push({ from, until });
    from = until;
  }, 50);
  return {
    /** Whether a call was held up by it, so that its failure says nothing of others. */
    heldUp: ({ at, ms }: SteadyCall) =>
      stalls.some((stall) => stall.from < at + ms && stall.until > at),
    close: () => clearInterval(timer),
  };
}
