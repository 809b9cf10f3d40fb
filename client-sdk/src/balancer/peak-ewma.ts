/** How long a measured latency keeps most of its say, in ms. */
export const DECAY_MS = 10_000;

/**
 * Latency of one endpoint: a peak-sensitive exponentially weighted moving average (Finagle's
 * `PeakEwma`; tower's `load::PeakEwma`). A slower answer counts at once and in full; a faster one, and
 * time without any answer, wear it down, so that a slow endpoint is probed again in time.
 *
 * Attempts in flight count by their mean age, so that one that has stopped answering grows slow
 * without ever ending a call.
 */
export class PeakEwma {
  #estimateMs: number;
  #updatedAt: number;
  #inFlight = 0;
  /** Sum of the start times of the attempts in flight. */
  #startedSum = 0;

  constructor(now: number, initialMs = 0) {
    this.#estimateMs = initialMs;
    this.#updatedAt = now;
  }

  started(now: number): void {
    this.#inFlight += 1;
    this.#startedSum += now;
  }

  /** @param latencyMs what it took; undefined when that says nothing of the endpoint */
  ended(startedAt: number, now: number, latencyMs: number | undefined): void {
    this.#inFlight -= 1;
    this.#startedSum = this.#inFlight === 0 ? 0 : this.#startedSum - startedAt;
    if (latencyMs === undefined) return;
    const weight = Math.exp(-Math.max(0, now - this.#updatedAt) / DECAY_MS);
    this.#estimateMs = Math.max(latencyMs, this.#estimateMs * weight + latencyMs * (1 - weight));
    this.#updatedAt = now;
  }

  /** What a call there may be expected to take now, in ms. */
  latencyAt(now: number): number {
    const decayed = this.#estimateMs * Math.exp(-Math.max(0, now - this.#updatedAt) / DECAY_MS);
    const meanAgeMs = this.#inFlight === 0 ? 0 : now - this.#startedSum / this.#inFlight;
    return Math.max(decayed, meanAgeMs);
  }
}
