import type { AttemptCounter } from '../balancer/balancer-options.ts';
import type { Endpoint } from '../balancer/endpoint.ts';
import type { CallerMetrics } from '../metrics/caller-metrics.ts';

/** Passes on what happens to attempts to who counts them now: the reports, the metrics, both or none. */
export class AttemptCounters implements AttemptCounter {
  traffic: Pick<AttemptCounter, 'started' | 'count'> | undefined;
  metrics: CallerMetrics | undefined;

  started(endpoint: Endpoint, path: string, isRetry: boolean, startedAt: number): void {
    this.traffic?.started(endpoint, path, isRetry, startedAt);
    this.metrics?.started(endpoint, path, isRetry);
  }

  count(
    endpoint: Endpoint,
    path: string,
    statusCode: number,
    durationMs: number,
    startedAt: number,
  ): void {
    this.traffic?.count(endpoint, path, statusCode, durationMs, startedAt);
    this.metrics?.count(endpoint, path, statusCode, durationMs);
  }

  pickFailed(service: string, code: 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED'): void {
    this.metrics?.pickFailed(service, code);
  }
}
