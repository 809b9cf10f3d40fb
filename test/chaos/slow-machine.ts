/** How often to look, in ms. */
const STEP_MS = 50;
/** A step later than this means that the machine had too much to do, in ms. */
const LATE_MS = 150;

/** A time in which a process got no turn, in ms since the epoch. */
export interface Pause {
  readonly from: number;
  readonly until: number;
}

/** Calls `onPause` after each time in which this process got no turn. @returns ends it */
export function watchPauses(onPause: (pause: Pause) => void): () => void {
  let from = Date.now();
  const timer = setInterval(() => {
    const until = Date.now();
    if (until - from > STEP_MS + LATE_MS) onPause({ from, until });
    from = until;
  }, STEP_MS);
  return () => clearInterval(timer);
}

/** Whether one of the pauses overlaps the time between the two, in ms since the epoch. */
export function overlaps(pauses: Iterable<Pause>, from: number, until: number): boolean {
  for (const pause of pauses) if (pause.until > from && pause.from < until) return true;
  return false;
}
