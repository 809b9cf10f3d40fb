import { decay } from './decay.ts';

/**
 * How long successful calls to a service take, over all its endpoints: the mean of the last seconds'
 * calls, each with less say the longer ago it ended. Without news it fades as the endpoints' own
 * estimates do, so that it stays comparable with them.
 */
export class AverageLatency {
  /** Both with the say that each call still has. */
  #sumMs = 0;
  #count = 0;
  #updatedAt = 0;

  add(latencyMs: number, now: number): void {
    const kept = decay(now - this.#updatedAt);
    this.#sumMs = this.#sumMs * kept + latencyMs;
    this.#count = this.#count * kept + 1;
    this.#updatedAt = now;
  }

  /** In ms; 0 before the first call. */
  latencyAt(now: number): number {
    return this.#count === 0 ? 0 : (this.#sumMs / this.#count) * decay(now - this.#updatedAt);
  }
}
