import type { Metadata } from '@grpc/grpc-js';
import { type Context, context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { endSpan, startSpan } from './grpc-span.ts';
import { extractTrace } from './metadata-carrier.ts';

const CANCELLED = 1;

/** The span of a call while it is handled, as a child of its caller's. */
export class ServerSpan {
  readonly #span: Span;
  readonly #context: Context;
  #isEnded = false;

  private constructor(span: Span, parent: Context) {
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  /** Undefined where nobody traces, and for what is asked of every server: health and reflection. */
  static start(path: string, metadata: Metadata): ServerSpan | undefined {
    if (path.startsWith('/grpc.')) return undefined;
    const parent = extractTrace(ROOT_CONTEXT, metadata);
    const span = startSpan('server', path, parent);
    return span && new ServerSpan(span, parent);
  }

  /** Runs `work` so that what it calls, and logs, belongs to the span. */
  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  /** The handler has answered with a status. */
  end(statusCode: number, details: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    endSpan(this.#span, 'server', statusCode, details);
  }

  /** The caller has gone. */
  cancel(): void {
    this.end(CANCELLED, 'cancelled by the caller');
  }
}
