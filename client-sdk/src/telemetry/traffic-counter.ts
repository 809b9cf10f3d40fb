import type { Edge } from '@weft/proto/telemetry';
import type { AttemptCounter } from '../balancer/balancer-options.ts';
import type { Endpoint } from '../balancer/endpoint.ts';
import { BUCKETS, bucketOf, indexOfBucket } from './latency-buckets.ts';

/** gRPC has the codes 0 to 16. */
const STATUS_CODES = 17;

/** What was counted of one method at one instance since it was last taken. */
class EdgeCounts {
  readonly statuses = new Uint32Array(STATUS_CODES);
  readonly buckets = new Uint32Array(BUCKETS);
  count = 0;
  sumMs = 0;
  underWay = 0;
  /** With what those under way have yet to add: how long attempts were under way since `#since`. */
  #busyMs = 0;
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  started(at: number): void {
    this.underWay += 1;
    this.#busyMs -= at - this.#since;
  }

  ended(statusCode: number, at: number, durationMs: number): void {
    this.underWay -= 1;
    this.#busyMs += at - this.#since;
    this.count += 1;
    this.sumMs += durationMs;
    // A code that gRPC does not know counts as UNKNOWN.
    const code = statusCode < STATUS_CODES ? statusCode : 2;
    this.statuses[code] = (this.statuses[code] ?? 0) + 1;
    const bucket = bucketOf(durationMs);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  /** How long attempts were under way since it was last cleared, all together: those too that still are. */
  busyMs(now: number): number {
    return Math.max(0, this.#busyMs + this.underWay * (now - this.#since));
  }

  clear(now: number): void {
    this.#busyMs = 0;
    this.#since = now;
    this.count = 0;
    this.sumMs = 0;
    this.statuses.fill(0);
    this.buckets.fill(0);
  }
}

function nonZero<Count>(
  counts: Uint32Array,
  keyOf: (index: number) => number,
  convert: (count: number) => Count,
): Map<number, Count> {
  const found = new Map<number, Count>();
  counts.forEach((count, index) => {
    if (count > 0) found.set(keyOf(index), convert(count));
  });
  return found;
}

const same = (index: number) => index;

/**
 * Counts the attempts that end, by instance and method, until they are taken, and how long there were any.
 * Holds as many counts as there are methods called at instances called since; what nobody called
 * meanwhile is forgotten.
 */
export class TrafficCounter implements Pick<AttemptCounter, 'started' | 'count'> {
  readonly #endpoints = new Map<Endpoint, Map<string, EdgeCounts>>();

  started(endpoint: Endpoint, path: string, _isRetry: boolean, startedAt: number): void {
    this.#countsOf(endpoint, path, startedAt).started(startedAt);
  }

  count(
    endpoint: Endpoint,
    path: string,
    statusCode: number,
    durationMs: number,
    startedAt: number,
  ): void {
    const counts = this.#countsOf(endpoint, path, startedAt);
    counts.ended(statusCode, startedAt + durationMs, durationMs);
  }

  #countsOf(endpoint: Endpoint, path: string, now: number): EdgeCounts {
    let byPath = this.#endpoints.get(endpoint);
    if (byPath === undefined) {
      byPath = new Map();
      this.#endpoints.set(endpoint, byPath);
    }
    let edge = byPath.get(path);
    if (edge === undefined) {
      edge = new EdgeCounts(now);
      byPath.set(path, edge);
    }
    return edge;
  }

  /** Takes what was counted, at most `limit` edges; the rest is dropped. Counts anew from `now` on. */
  take(limit: number, now: number): Edge[] {
    const edges: Edge[] = [];
    for (const [endpoint, byPath] of this.#endpoints) {
      for (const [method, edge] of byPath) {
        if (edge.count === 0 && edge.underWay === 0) {
          byPath.delete(method);
          continue;
        }
        if (edges.length < limit) {
          const { service, id: instanceId } = endpoint.instance;
          edges.push({
            service,
            instanceId,
            method,
            statuses: nonZero(edge.statuses, same, BigInt),
            latency: {
              counts: nonZero(edge.buckets, indexOfBucket, BigInt),
              sumMs: edge.sumMs,
            },
            busyMs: edge.busyMs(now),
          });
        }
        edge.clear(now);
      }
      if (byPath.size === 0) this.#endpoints.delete(endpoint);
    }
    return edges;
  }
}
