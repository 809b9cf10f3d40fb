/** For how long after the last shedding one late sample is enough to shed again, in ms. */
const ALERT_MS = 10_000;

type State =
  /** Takes all calls; one stall, however long, is no overload. */
  | { readonly kind: 'calm'; readonly isLate: boolean }
  /** Refuses new calls. */
  | { readonly kind: 'shedding' }
  /** Takes all calls, but has shed lately: the next late sample sheds at once. */
  | { readonly kind: 'alert'; readonly untilMs: number };

function next(state: State, lagMs: number, nowMs: number, maxLagMs: number): State {
  const isLate = lagMs > maxLagMs;
  switch (state.kind) {
    case 'calm':
      return isLate && state.isLate ? { kind: 'shedding' } : { kind: 'calm', isLate };
    case 'shedding':
      if (lagMs > maxLagMs / 2) return state;
      return { kind: 'alert', untilMs: nowMs + ALERT_MS };
    case 'alert':
      if (isLate) return { kind: 'shedding' };
      return nowMs < state.untilMs ? state : { kind: 'calm', isLate };
  }
}

/**
 * Decides from the lag of the event loop whether new calls are refused. It sheds once two samples in
 * a row are later than `maxLagMs`, which a single stall (a garbage collection, a machine that paused)
 * never makes, and takes calls again at the first sample not later than half of that. A loop that
 * was overloaded lately is not given the first late sample for free: under a load beyond what it can
 * do it sheds just the excess, a few turns at a time, and those it does take are not late.
 */
export class LoadShedder {
  readonly #maxLagMs: number;
  #state: State = { kind: 'calm', isLate: false };

  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
  }

  /** Whether a call that comes now is to be refused. */
  get isShedding(): boolean {
    return this.#state.kind === 'shedding';
  }

  /** Takes a sample of the lag, made at `nowMs` on the monotonic clock. */
  sample(lagMs: number, nowMs: number): void {
    this.#state = next(this.#state, lagMs, nowMs, this.#maxLagMs);
  }
}
