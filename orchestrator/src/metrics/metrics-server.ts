import { HttpServer, type Log } from '@weft/proto';
import { metricsPage } from '@weft/proto/metrics';
import type { Supervisor } from '../supervisor.ts';
import { orchestratorMetrics } from './orchestrator-metrics.ts';

/** What shows the metrics of an orchestrator at `GET /metrics`, once it listens. */
export function metricsServer(supervisor: Pick<Supervisor, 'status'>, log: Log): HttpServer {
  const set = orchestratorMetrics(() => supervisor.status());
  return new HttpServer({
    routes: { '/metrics': metricsPage(set) },
    portSetting: '--metrics-port',
    hostAdvice: 'use its address',
    log,
  });
}
