import type { CallObserver, HttpHandler } from '@weft/proto';
import { addServerMetrics, MetricSet, metricsPage } from '@weft/proto/metrics';
import { addRegistryMetrics, type MeasuredRegistry } from './registry-metrics.ts';

/** The metrics of one registry. */
export interface Metrics {
  /** Measures the calls of its server. */
  readonly observer: CallObserver;
  /** Answers `GET /metrics`. */
  readonly page: HttpHandler;
}

export function createMetrics(measured: MeasuredRegistry): Metrics {
  const set = new MetricSet();
  addRegistryMetrics(set, measured);
  return { observer: addServerMetrics(set), page: metricsPage(set) };
}
