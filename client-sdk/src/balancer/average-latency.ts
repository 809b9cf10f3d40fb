/**
 * How long successful calls to a service take, over all its endpoints: the mean of the last seconds'
 * calls, each with less say the longer ago it ended. Without news it fades as the endpoints' own
 * estimates do, so that it stays comparable with them.
 */
export class AverageLatency {
  readonly #decayMs: number;
  /** Both with the say that each call still has. */
  #sumMs = 0;
  #count = 0;
  #updatedAt = 0;

  constructor(decayMs = 10_000) {
    this.#decayMs = decayMs;
  }

  add(latencyMs: number, now: number): void {
    const kept = this.#keptAt(now);
    this.#sumMs = this.#sumMs * kept + latencyMs;
    this.#count = this.#count * kept + 1;
    this.#updatedAt = now;
  }

  /** In ms; 0 before the first call. */
  latencyAt(now: number): number {
    return this.#count === 0 ? 0 : (this.#sumMs / this.#count) * this.#keptAt(now);
  }

  #keptAt(now: number): number {
    const elapsedMs = now - this.#updatedAt;
    return elapsedMs <= 0 ? 1 : Math.exp(-elapsedMs / this.#decayMs);
  }
}
