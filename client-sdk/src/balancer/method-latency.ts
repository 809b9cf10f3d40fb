/** How long a measurement keeps most of its weight; a method not answered for longer is not known, in ms. */
const MEMORY_MS = 60_000;

/** What one endpoint needs for a method. */
interface Measurement {
  /** Its slowest answer lately, in ms, as of `at`; undefined if it has not answered. */
  slowestMs: number | undefined;
  /** The longest that a caller waited in vain since its last answer, in ms; 0 if none did. */
  unansweredMs: number;
  at: number;
}

/**
 * How long a method of a service takes: the slowest answer lately, of all endpoints together and of each
 * one. It tells a call that takes its time from one that waits for nothing.
 */
export class MethodLatency {
  #slowestMs = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;
  readonly #byEndpoint = new WeakMap<object, Measurement>();

  /** `endpoint` returned a response after `latencyMs`. */
  answered(now: number, latencyMs: number, endpoint: object): void {
    this.#slowestMs = Math.max(latencyMs, this.slowestAt(now) ?? 0);
    this.#answeredAt = now;
    const measured = this.#byEndpoint.get(endpoint);
    if (measured === undefined) {
      this.#byEndpoint.set(endpoint, { slowestMs: latencyMs, unansweredMs: 0, at: now });
      return;
    }
    measured.slowestMs = Math.max(latencyMs, answeredMs(measured, now) ?? 0);
    measured.unansweredMs = 0;
    measured.at = now;
  }

  /** A caller waited `waitedMs` for `endpoint` in vain: the method takes at least as long there. */
  timedOut(now: number, waitedMs: number, endpoint: object): void {
    const measured = this.#byEndpoint.get(endpoint);
    this.#byEndpoint.set(endpoint, {
      slowestMs: measured && answeredMs(measured, now),
      unansweredMs: Math.max(waitedMs, measured === undefined ? 0 : unansweredMs(measured, now)),
      at: now,
    });
  }

  /** The slowest answer lately, in ms, worn down by the time since; undefined when not known. */
  slowestAt(now: number): number | undefined {
    return worn(this.#slowestMs, now - this.#answeredAt);
  }

  /**
   * How long each sibling of `endpoint` takes at most, in ms, as far as known. A sibling that lately let
   * a caller wait in vain counts with that time. If no sibling is known, the endpoint's own answers stand
   * in for them.
   */
  siblingsAt(now: number, endpoint: object, all: Iterable<object>): number[] {
    const siblings: number[] = [];
    for (const each of all) {
      const measured = each === endpoint ? undefined : this.#byEndpoint.get(each);
      if (measured === undefined) continue;
      const slowestMs = Math.max(answeredMs(measured, now) ?? 0, unansweredMs(measured, now));
      if (slowestMs > 0) siblings.push(slowestMs);
    }
    const own = this.#byEndpoint.get(endpoint);
    const ownMs = own && answeredMs(own, now);
    if (siblings.length === 0 && ownMs !== undefined) return [ownMs];
    return siblings;
  }
}

/** The latencies of the methods of a service, by path. Grows with the methods that contracts describe. */
export class MethodLatencies {
  readonly #byPath = new Map<string, MethodLatency>();

  of(path: string): MethodLatency {
    let latency = this.#byPath.get(path);
    if (latency === undefined) {
      latency = new MethodLatency();
      this.#byPath.set(path, latency);
    }
    return latency;
  }
}

/** `ms` after it has worn off for `ageMs`; undefined if it is too old to be of use. */
function worn(ms: number, ageMs: number): number | undefined {
  return ageMs > MEMORY_MS ? undefined : ms * Math.exp(-ageMs / MEMORY_MS);
}

function answeredMs({ slowestMs, at }: Measurement, now: number): number | undefined {
  return slowestMs === undefined ? undefined : worn(slowestMs, now - at);
}

function unansweredMs({ unansweredMs: waitedMs, at }: Measurement, now: number): number {
  return worn(waitedMs, now - at) ?? 0;
}
