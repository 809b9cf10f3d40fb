import { status } from '@grpc/grpc-js';
import type { CallObserver, ObservedCall } from '@weft/proto';
import { Counter, Histogram, type Registry } from 'prom-client';

const LABELS = ['grpc_type', 'grpc_service', 'grpc_method'] as const;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function labelsOf({ type, service, method }: ObservedCall) {
  return { grpc_type: type, grpc_service: service, grpc_method: method };
}

/** `DeadlineExceeded` of DEADLINE_EXCEEDED: codes as Go's middlewares, and so all dashboards, spell them. */
export function codeLabel(code: status): string {
  if (code === status.OK) return 'OK';
  if (code === status.CANCELLED) return 'Canceled';
  const name = status[code] ?? `Code(${code})`;
  return name
    .toLowerCase()
    .replaceAll(/(^|_)([a-z])/g, (_all, _gap, letter: string) => letter.toUpperCase());
}

/** The metrics of a gRPC server under the names of the ecosystem's middlewares; feed them to `callObserver`. */
export function grpcMetrics(register: Registry): CallObserver {
  const registers = [register];
  const started = new Counter({
    name: 'grpc_server_started_total',
    help: 'Calls that have begun.',
    labelNames: LABELS,
    registers,
  });
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls that are over, by status.',
    labelNames: [...LABELS, 'grpc_code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'How long calls took, streams from beginning to end.',
    labelNames: LABELS,
    buckets: SECONDS,
    registers,
  });
  return {
    started: (call) => started.inc(labelsOf(call)),
    ended(call, code, elapsedMs) {
      const labels = labelsOf(call);
      handled.inc({ ...labels, grpc_code: codeLabel(code) });
      seconds.observe(labels, elapsedMs / 1000);
    },
  };
}
