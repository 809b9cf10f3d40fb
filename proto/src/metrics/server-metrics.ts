import type { CallObserver, ObservedCall } from '../call-observer.ts';
import { addCallMetrics, CallSeries } from './call-series.ts';
import type { MetricSet } from './metric-set.ts';

/** Adds `grpc_server_*` to a set: what it counts is for `GrpcServerOptions.observer`. */
export function addServerMetrics(set: MetricSet): CallObserver {
  // As many as the server has methods.
  const counted = new Map<ObservedCall, CallSeries>();
  const seriesOf = (call: ObservedCall): CallSeries => {
    const known = counted.get(call);
    if (known !== undefined) return known;
    const series = new CallSeries();
    counted.set(call, series);
    return series;
  };
  addCallMetrics(set, 'grpc_server', 'Calls', () =>
    [...counted].map(([{ type, service, method }, series]) => [
      { grpc_type: type, grpc_service: service, grpc_method: method },
      series,
    ]),
  );
  return {
    started(call) {
      seriesOf(call).started += 1;
    },
    ended(call, code, elapsedMs) {
      seriesOf(call).ended(code, elapsedMs);
    },
  };
}
