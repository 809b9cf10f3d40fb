import { type CallObserver, HttpServer, type Log } from '@weft/proto';
import { addServerMetrics, type MetricSet, metricsPage } from '@weft/proto/metrics';
import { type MeasuredService, serviceMetrics } from './service-metrics.ts';

/** Shows Prometheus what an offered service does, on a port of its own. */
export class MetricsServer {
  /** Measures the calls of its server. */
  readonly observer: CallObserver;
  readonly #http: HttpServer;

  /**
   * @param read the service as it is
   * @param caller the metrics of what the process calls
   * @param hosts host names by which it is reached, besides addresses
   */
  constructor(read: () => MeasuredService, caller: MetricSet, hosts: readonly string[], log: Log) {
    const set = serviceMetrics(read);
    this.observer = addServerMetrics(set);
    this.#http = new HttpServer({
      routes: { '/metrics': metricsPage(set, caller) },
      portSetting: 'metricsPort or $WEFT_METRICS_PORT',
      hosts,
      hostAdvice: 'use its address, or the advertiseHost of the service',
      log,
    });
  }

  /** Answers the port. @throws Error when it cannot be had */
  listen(host: string, port: number): Promise<number> {
    return this.#http.listen(host, port);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
