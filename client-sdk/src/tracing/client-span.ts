import type { Metadata } from '@grpc/grpc-js';
import { type Context, type Span, trace } from '@opentelemetry/api';
import type { CallRecord } from '../balancer/call-record.ts';
import { statusName } from '../balancer/status-name.ts';
import { instrumentedClientSpan } from './grpc-instrumentation.ts';
import { endSpan, startSpan } from './grpc-span.ts';
import { injectTrace } from './metadata-carrier.ts';

/**
 * The span of one call, over all its attempts; the call carries it to the server. If OpenTelemetry's gRPC
 * instrumentation has begun one for this call, its span is used, and ended by it.
 */
export class ClientSpan {
  readonly #span: Span;
  readonly #isOwn: boolean;

  private constructor(span: Span, isOwn: boolean) {
    this.#span = span;
    this.#isOwn = isOwn;
  }

  /** Undefined where nobody traces. */
  static start(path: string, metadata: Metadata, parent: Context): ClientSpan | undefined {
    const instrumented = instrumentedClientSpan(path, parent);
    if (instrumented !== undefined) return new ClientSpan(instrumented, false);
    const span = startSpan('client', path, parent);
    if (span === undefined) return undefined;
    injectTrace(trace.setSpan(parent, span), metadata);
    return new ClientSpan(span, true);
  }

  /** Ends with the call: each attempt is an event, and so is a call that none was made of. */
  end(service: string, { attempts }: CallRecord, statusCode: number, details: string): void {
    const span = this.#span;
    if (span.isRecording()) {
      span.setAttribute('weft.service', service);
      attempts.forEach(({ endpoint, end }, index) => {
        const { id, address } = endpoint.instance;
        if (index === attempts.length - 1) {
          span.setAttributes({
            'server.address': address?.host ?? '',
            'server.port': address?.port ?? 0,
            'weft.instance.id': id,
          });
        }
        if (attempts.length === 1) return;
        span.addEvent('weft.attempt', {
          'weft.attempt': index + 1,
          'weft.instance.id': id,
          'rpc.grpc.status': end === undefined ? 'given up' : statusName(end.statusCode),
          'weft.duration_ms': end?.durationMs ?? 0,
        });
      });
      // The breakers, the limits or the registry kept it from being sent.
      if (attempts.length === 0 && statusCode !== 0) {
        span.addEvent('weft.rejected', { 'weft.reason': details });
      }
    }
    if (this.#isOwn) endSpan(span, 'client', statusCode, details);
  }
}
