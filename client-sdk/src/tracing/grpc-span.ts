import {
  type Context,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { statusName } from '../balancer/status-name.ts';

const tracer = trace.getTracer('@weft/client-sdk');

const client = { kind: SpanKind.CLIENT };
const server = { kind: SpanKind.SERVER };

/** Statuses that are the server's fault, and so errors of its span (OpenTelemetry, "gRPC status"). */
const SERVER_FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/**
 * Begins the span of a call, by OpenTelemetry's semantic conventions for gRPC. Undefined where the
 * program has registered no tracer provider: then a call costs the asking, and nothing else is done.
 * @param path `/user.v1.UserService/GetUser`
 */
export function startSpan(
  kind: 'client' | 'server',
  path: string,
  parent: Context,
): Span | undefined {
  const span = tracer.startSpan(path.slice(1), kind === 'client' ? client : server, parent);
  if (!isSpanContextValid(span.spanContext())) return undefined;
  if (span.isRecording()) {
    const slash = path.lastIndexOf('/');
    span.setAttributes({
      'rpc.system': 'grpc',
      'rpc.service': path.slice(1, slash),
      'rpc.method': path.slice(slash + 1),
    });
  }
  return span;
}

/** Ends the span of a call with the status it ended with. */
export function endSpan(
  span: Span,
  kind: 'client' | 'server',
  statusCode: number,
  details: string,
): void {
  span.setAttribute('rpc.grpc.status_code', statusCode);
  const isError = kind === 'client' ? statusCode !== 0 : SERVER_FAULTS.has(statusCode);
  if (isError) {
    span.setAttribute('error.type', statusName(statusCode));
    span.setStatus({ code: SpanStatusCode.ERROR, message: details });
  }
  span.end();
}
