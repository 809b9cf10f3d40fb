/** How often to look, in ms. */
const STEP_MS = 50;
/** A step later than this means that the machine had too much to do, in ms. */
const LATE_MS = 150;

/** Notes when this process gets no turn, as then other processes get none either. Always close it. */
export class SlowMachine {
  readonly #slow: { readonly from: number; readonly until: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let from = Date.now();
    this.#timer = setInterval(() => {
      const until = Date.now();
      if (until - from > STEP_MS + LATE_MS) this.#slow.push({ from, until });
      from = until;
    }, STEP_MS);
  }

  /** Whether the machine was slow at some time between the two, in ms since the epoch. */
  wasSlow(from: number, until: number): boolean {
    return this.#slow.some((each) => each.until > from && each.from < until);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
