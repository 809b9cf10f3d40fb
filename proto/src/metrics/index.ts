/** What a Weft process shows to Prometheus. Apart from the rest, as only who imports it loads the library. */

export { addCallMetrics, CallSeries, codeLabel } from './call-series.ts';
export { type Labels, MetricSet, type ReadMetric, type Sample } from './metric-set.ts';
export { metricsPage } from './metrics-page.ts';
export { addServerMetrics } from './server-metrics.ts';
