import type { ServerInterceptor } from '@grpc/grpc-js';
import { callObserver } from '@weft/proto';
import { Registry } from 'prom-client';
import type { HttpHandler } from '../http/http-server.ts';
import { grpcMetrics } from './grpc-metrics.ts';
import { metricsPage } from './metrics-page.ts';
import { addRegistryMetrics, type MeasuredRegistry } from './registry-metrics.ts';

/** The metrics of one registry. */
export interface Metrics {
  /** Measures the calls of its server; the last of its interceptors. */
  readonly interceptor: ServerInterceptor;
  /** Answers `GET /metrics`. */
  readonly page: HttpHandler;
}

export function createMetrics(measured: MeasuredRegistry): Metrics {
  const register = new Registry();
  addRegistryMetrics(register, measured);
  return { interceptor: callObserver(grpcMetrics(register)), page: metricsPage(register) };
}
