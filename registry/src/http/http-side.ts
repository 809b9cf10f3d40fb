import { type CallObserver, HttpServer } from '@weft/proto';
import type { Writes } from '../limits/guarded-writes.ts';
import { createMetrics } from '../metrics/metrics.ts';
import type { MeasuredRegistry } from '../metrics/registry-metrics.ts';
import { targetsPage } from './targets-page.ts';
import { type WebPageOptions, webPage } from './web-page.ts';

/** What a registry shows over HTTP: its web page, /metrics and /sd. */
export interface HttpSide {
  readonly server: HttpServer;
  /** The same writes, of which the page learns. */
  readonly writes: Writes;
  /** Measures the calls of the registry. */
  readonly observer: CallObserver;
}

interface HttpNames {
  /** Host names by which the registry may be reached, besides addresses. */
  hosts: readonly string[];
}

export function httpSide(
  measured: MeasuredRegistry,
  options: Omit<WebPageOptions, 'catalog'> & HttpNames,
): HttpSide {
  const { catalog } = measured.store;
  const page = webPage({ ...options, catalog });
  const metrics = createMetrics(measured);
  const routes = { ...page.routes, '/metrics': metrics.page, '/sd': targetsPage(catalog) };
  return {
    server: new HttpServer({
      routes,
      portSetting: '--http-port',
      hosts: options.hosts,
      hostAdvice: 'allow it with --http-host (httpHosts in weft.yaml)',
      log: options.log,
    }),
    writes: page.writes,
    observer: metrics.observer,
  };
}
