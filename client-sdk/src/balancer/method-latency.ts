/** How long an answer keeps most of its say; a method unanswered for longer counts as not known, in ms. */
const MEMORY_MS = 60_000;

/**
 * The slowest that a method of a service was answered lately, whoever answered it. It tells a call that
 * takes its time from one that waits for nothing.
 */
export class MethodLatency {
  #slowestMs = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** It was answered in `latencyMs`. */
  answered(now: number, latencyMs: number): void {
    this.#slowestMs = Math.max(latencyMs, this.slowestAt(now) ?? 0);
    this.#answeredAt = now;
  }

  /** The slowest answer lately, in ms, worn down by the time since; undefined when not known. */
  slowestAt(now: number): number | undefined {
    const ageMs = now - this.#answeredAt;
    return ageMs > MEMORY_MS ? undefined : this.#slowestMs * Math.exp(-ageMs / MEMORY_MS);
  }
}
