/**
 * OpenTelemetry's own instrumentation of grpc-js (`@opentelemetry/instrumentation-grpc`) makes a span of each
 * call too. If a program has loaded it, the SDK leaves the span of the call to it.
 *
 * The instrumentation has no public mark. It wraps functions of grpc-js, gives each the property
 * `__wrapped`, and names its spans `grpc.user.v1.UserService/GetUser`:
 * https://github.com/open-telemetry/opentelemetry-js/tree/main/experimental/packages/opentelemetry-instrumentation-grpc
 */
import { Server } from '@grpc/grpc-js';
import { type Context, type Span, trace } from '@opentelemetry/api';

/** Whether the servers that listen from now on get a span for each call by the instrumentation. */
export function isServerInstrumented(): boolean {
  return Object(Server.prototype.register).__wrapped === true;
}

/**
 * The span that the instrumentation has begun for a call of a grpc-js client, which all streams use.
 * @param path `/user.v1.UserService/GetUser`
 * @param parent the context in which the call was made
 */
export function instrumentedClientSpan(path: string, parent: Context): Span | undefined {
  const span: (Span & { name?: unknown }) | undefined = trace.getSpan(parent);
  return span?.name === `grpc.${path.slice(1)}` ? span : undefined;
}
