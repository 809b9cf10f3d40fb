import { AverageLatency } from './average-latency.ts';
import { decay } from './decay.ts';

/**
 * What the first failure costs, as a multiple of the latency expected, and each further one in a row
 * as a multiple of the one before. With 4, the first takes an endpoint out of the picks of idle
 * siblings for 14 s (10 s x ln 4), yet it is still taken before one with three more calls in flight.
 */
const FAILURE_FACTOR = 4;
/** A failure counts as no more than an answer this late: it is probed again within two minutes. */
const MAX_PENALTY_MS = 60_000;
/** Latency that a failure multiplies when nothing is known yet, in ms. */
const LEAST_LATENCY_MS = 1;

/**
 * Latency of one endpoint: a peak-sensitive exponentially weighted moving average (Finagle's
 * `PeakEwma`; tower's `load::PeakEwma`). A slower answer counts at once and in full; a faster one, and
 * time without any answer, wear it down, so that a slow endpoint is probed again in time.
 *
 * Attempts in flight count by their mean age, so that one that has stopped answering grows slow
 * without ever ending a call. A failure never counts as a fast answer: it costs a multiple of what a
 * call to the service takes, more with each one in a row, and wears off like the rest. What costs
 * multiplies the latency and not an earlier penalty, so that a service where every endpoint fails now
 * and then still tells fast from slow.
 */
export class PeakEwma {
  readonly #average: AverageLatency;
  #estimateMs: number;
  #penaltyMs = 0;
  /** When both held. */
  #updatedAt: number;
  #inFlight = 0;
  /** Sum of the start times of the attempts in flight. */
  #startedSum = 0;
  #failuresInRow = 0;
  #failedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param average of the service, which it starts from and adds to; one for all its endpoints
   */
  constructor(now: number, average = new AverageLatency()) {
    this.#average = average;
    this.#estimateMs = average.latencyAt(now);
    this.#updatedAt = now;
  }

  /** An attempt begins whose time says something of the endpoint: not one of a stream, which may stay. */
  started(now: number): void {
    this.#inFlight += 1;
    this.#startedSum += now;
  }

  /**
   * A started attempt ended, and did not fail.
   * @param latencyMs what it took; undefined when that says nothing of the endpoint
   */
  ended(startedAt: number, now: number, latencyMs: number | undefined): void {
    this.#release(startedAt);
    if (latencyMs === undefined) return;
    const kept = this.#decayTo(now);
    this.#estimateMs = Math.max(latencyMs, this.#estimateMs + latencyMs * (1 - kept));
    this.#failuresInRow = 0;
    this.#average.add(latencyMs, now);
  }

  /** A started attempt ended with a failure that is the endpoint's. */
  failed(startedAt: number, now: number): void {
    this.#release(startedAt);
    this.#decayTo(now);
    // What was under way when it failed before met the same trouble: one failure, not many in a row.
    if (startedAt >= this.#failedAt) {
      this.#failuresInRow += 1;
      this.#failedAt = now;
    }
    const usualMs = Math.max(this.#estimateMs, this.#average.latencyAt(now), LEAST_LATENCY_MS);
    const penaltyMs = Math.min(usualMs * FAILURE_FACTOR ** this.#failuresInRow, MAX_PENALTY_MS);
    this.#penaltyMs = Math.max(this.#penaltyMs, penaltyMs, now - startedAt);
  }

  /** What a call there may be expected to take now, in ms. */
  latencyAt(now: number): number {
    const fadedMs = Math.max(this.#estimateMs, this.#penaltyMs) * decay(now - this.#updatedAt);
    if (this.#inFlight === 0) return fadedMs;
    return Math.max(fadedMs, now - this.#startedSum / this.#inFlight);
  }

  /** What calls there take, in ms, whatever is in flight or has failed. */
  measuredAt(now: number): number {
    return Math.max(this.#estimateMs * decay(now - this.#updatedAt), this.#average.latencyAt(now));
  }

  #release(startedAt: number): void {
    this.#inFlight -= 1;
    this.#startedSum = this.#inFlight === 0 ? 0 : this.#startedSum - startedAt;
  }

  /** Wears both down to what they are at `now`. Answers the share that was kept. */
  #decayTo(now: number): number {
    const kept = decay(now - this.#updatedAt);
    this.#estimateMs *= kept;
    this.#penaltyMs *= kept;
    this.#updatedAt = now;
    return kept;
  }
}
