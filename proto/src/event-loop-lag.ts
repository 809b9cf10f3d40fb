/** How often the lag of the event loop is sampled, in ms: about 0.02% of a core. */
export const LAG_SAMPLE_MS = 50;

/** Hears how late a sample ran, in ms, and when, on the monotonic clock. */
export type LagListener = (lagMs: number, nowMs: number) => void;

const listeners = new Set<LagListener>();
let timer: NodeJS.Timeout | undefined;
let dueAt = 0;

function sample(): void {
  const now = performance.now();
  const lagMs = Math.max(0, now - dueAt);
  for (const listener of listeners) listener(lagMs, now);
  // The interval starts anew when this returns.
  dueAt = performance.now() + LAG_SAMPLE_MS;
}

/**
 * Tells `listener` the lag of this process's event loop, once in LAG_SAMPLE_MS or, when it lags, once
 * in a turn of the loop: after what blocked it, before the calls that came in meanwhile are read.
 * One timer for the whole process, which keeps nothing alive. Answers what takes the listener off.
 */
export function onEventLoopLag(listener: LagListener): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    dueAt = performance.now() + LAG_SAMPLE_MS;
    timer = setInterval(sample, LAG_SAMPLE_MS).unref();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
