/** How long a member that failed is passed by, in ms; then one call tries it, while the others go on. */
const OUT_MS = 10_000;

/**
 * Whose turn it is to be called: one member after the other, so that a slow one holds up its share and
 * no more, but those that failed a moment ago last. A frozen member answers nothing, and takes a second
 * of every call that comes to it.
 */
export class MemberTurns {
  readonly #now: () => number;
  /** Until when each is passed by, in ms of `now`; 0 for one that answered last. */
  readonly #outUntilMs: number[];
  #turn = 0;

  /** @param now a clock that never jumps, in ms */
  constructor(members: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#outUntilMs = Array.from({ length: members }, () => 0);
  }

  /** The member to call next; of those that this call has `tried` only when it has tried all. */
  next(tried: ReadonlySet<number>): number {
    const order = this.#from(this.#turn++);
    const [first = 0] = order;
    const untried = order.filter((member) => !tried.has(member));
    const chosen = untried.find((member) => this.#isIn(member)) ?? untried[0] ?? first;
    // Where it is out no more, it is for one call to find out whether it answers again.
    if (this.#outUntilMs[chosen] !== 0) this.failed(chosen);
    return chosen;
  }

  /** The member at which to open the stream of this number: one after the other, those that failed last. */
  ofStream(number: number): number {
    const order = this.#from(number);
    return order.find((member) => this.#isIn(member)) ?? order[0] ?? 0;
  }

  answered(member: number): void {
    this.#outUntilMs[member] = 0;
  }

  failed(member: number): void {
    this.#outUntilMs[member] = this.#now() + OUT_MS;
  }

  #from(turn: number): number[] {
    const count = this.#outUntilMs.length;
    return this.#outUntilMs.map((_, index) => (turn + index) % count);
  }

  #isIn(member: number): boolean {
    return (this.#outUntilMs[member] ?? 0) <= this.#now();
  }
}
