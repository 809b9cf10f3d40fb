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

  add(statusCode: number, durationMs: number): void {
    this.count += 1;
    this.sumMs += durationMs;
    // A code that gRPC does not know counts as UNKNOWN.
    const code = statusCode < STATUS_CODES ? statusCode : 2;
    this.statuses[code] = (this.statuses[code] ?? 0) + 1;
    const bucket = bucketOf(durationMs);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  clear(): void {
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
 * Counts the attempts that end, by instance and method, until they are taken. Holds as many counts as
 * there are methods called at instances called since; what nobody called meanwhile is forgotten.
 */
export class TrafficCounter implements Pick<AttemptCounter, 'count'> {
  readonly #endpoints = new Map<Endpoint, Map<string, EdgeCounts>>();

  count(endpoint: Endpoint, path: string, statusCode: number, durationMs: number): void {
    let byPath = this.#endpoints.get(endpoint);
    if (byPath === undefined) {
      byPath = new Map();
      this.#endpoints.set(endpoint, byPath);
    }
    let edge = byPath.get(path);
    if (edge === undefined) {
      edge = new EdgeCounts();
      byPath.set(path, edge);
    }
    edge.add(statusCode, durationMs);
  }

  /** Takes what was counted, at most `limit` edges; the rest is dropped. Counts anew from now on. */
  take(limit: number): Edge[] {
    const edges: Edge[] = [];
    for (const [endpoint, byPath] of this.#endpoints) {
      for (const [method, edge] of byPath) {
        if (edge.count === 0) {
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
          });
        }
        edge.clear();
      }
      if (byPath.size === 0) this.#endpoints.delete(endpoint);
    }
    return edges;
  }
}
