import type { Log } from '@weft/proto';
import type { AttemptCounters } from '../telemetry/attempt-counters.ts';
import { CallerMetrics, type CallerMetricsOptions } from './caller-metrics.ts';
import { MetricsServer } from './metrics-server.ts';
import type { MeasuredService } from './service-metrics.ts';

/** Counts attempts from now on. Answers what makes the server of an offered service's metrics. */
export function measuring(counters: AttemptCounters, options: CallerMetricsOptions, log: Log) {
  const caller = counters.metrics ?? new CallerMetrics(options);
  counters.metrics = caller;
  return (read: () => MeasuredService, hosts: readonly string[]) =>
    new MetricsServer(read, caller.set, hosts, log);
}
