import type { OutlierEjectionOptions } from '../policy/service-policy.ts';
import type { Endpoint } from './endpoint.ts';

interface Record {
  successes: number;
  failures: number;
  /** Failures since the last success. */
  inARow: number;
  /** Ejections less the intervals that went well since: the next lasts as many times longer. */
  ejections: number;
  /** Whether it was out in the interval under way: such a one wears nothing off. */
  wasOut: boolean;
}

/** Standard deviation assumed at least, so that siblings without any failure do not eject for one. */
const LEAST_STDEV = 0.1;

/**
 * Finds endpoints that fare worse than their siblings: failures in a row, at once, and a success rate
 * far below the others', once an interval (Envoy's outlier detection, gRFC A50). Each is compared with
 * the mean of the *others*, as among few instances a bad one spoils the mean and deviation of all.
 */
export class OutlierDetector {
  readonly #records = new Map<Endpoint, Record>();

  /** Takes note of an outcome. Answers whether `endpoint` has now failed too often in a row. */
  observe(endpoint: Endpoint, isFailure: boolean, options: Required<OutlierEjectionOptions>) {
    const record = this.#recordOf(endpoint);
    if (!isFailure) {
      record.successes += 1;
      record.inARow = 0;
      return false;
    }
    record.failures += 1;
    record.inARow += 1;
    return record.inARow >= options.consecutiveFailures;
  }

  /** Ends an interval: answers whose success rate is too low, the worst first. */
  sweep({ minRequests, stdevFactor }: Required<OutlierEjectionOptions>): Endpoint[] {
    const rated = [...this.#records]
      .filter(([, { successes, failures }]) => successes + failures >= minRequests)
      .map(([endpoint, { successes, failures }]) => {
        // One failure is forgiven: a rate over few calls is no more exact than that.
        return { endpoint, rate: Math.min(1, (successes + 1) / (successes + failures + 1)) };
      });
    const sum = rated.reduce((total, { rate }) => total + rate, 0);
    const squares = rated.reduce((total, { rate }) => total + rate * rate, 0);
    const others = rated.length - 1;
    const outliers = rated
      .filter(({ rate }) => {
        if (others < 1) return false;
        const mean = (sum - rate) / others;
        const variance = Math.max(0, (squares - rate * rate) / others - mean * mean);
        return rate < mean - stdevFactor * Math.max(Math.sqrt(variance), LEAST_STDEV);
      })
      .sort((a, b) => a.rate - b.rate)
      .map(({ endpoint }) => endpoint);
    for (const [endpoint, record] of this.#records) {
      if (record.successes + record.failures === 0 && record.ejections === 0) {
        this.#records.delete(endpoint);
      } else if (endpoint.ejectedUntil === 0 && !outliers.includes(endpoint)) {
        if (!record.wasOut && record.ejections > 0) record.ejections -= 1;
        record.wasOut = false;
      }
      record.successes = 0;
      record.failures = 0;
    }
    return outliers;
  }

  /** How long `endpoint` is ejected now, in ms: longer each time in a row. */
  nextEjectionMs(endpoint: Endpoint, options: Required<OutlierEjectionOptions>): number {
    const record = this.#recordOf(endpoint);
    record.ejections += 1;
    record.wasOut = true;
    // What it is ejected for does not count again when it is back.
    record.inARow = 0;
    record.successes = 0;
    record.failures = 0;
    return Math.min(options.baseEjectionMs * record.ejections, options.maxEjectionMs);
  }

  forget(endpoint: Endpoint): void {
    this.#records.delete(endpoint);
  }

  /** Whether there is nothing left to compare or to wear off. */
  get isIdle(): boolean {
    return this.#records.size === 0;
  }

  #recordOf(endpoint: Endpoint): Record {
    let record = this.#records.get(endpoint);
    if (record === undefined) {
      record = { successes: 0, failures: 0, inARow: 0, ejections: 0, wasOut: false };
      this.#records.set(endpoint, record);
    }
    return record;
  }
}
