import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { deadlineExceeded, incomingDeadline, type RouteInterceptor } from '@weft/proto';
import { isServerInstrumented } from '../tracing/grpc-instrumentation.ts';
import { ServerSpan } from '../tracing/server-span.ts';
import { IncomingCall, runInCall } from './call-context.ts';

type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];
type Method = Parameters<ServerInterceptor>[0];

/** A call whose handler runs in a context of its own. */
class ContextualCall extends ServerInterceptingCall {
  readonly #inner: ServerInterceptingCallInterface;
  readonly #incoming: IncomingCall;
  readonly #method: Method;
  readonly #startSpan: typeof ServerSpan.start;
  readonly #timer: NodeJS.Timeout | undefined;
  #span: ServerSpan | undefined;

  constructor(
    inner: ServerInterceptingCallInterface,
    incoming: IncomingCall,
    method: Method,
    startSpan: typeof ServerSpan.start,
    timeoutMs?: number,
  ) {
    super(inner);
    this.#inner = inner;
    this.#incoming = incoming;
    this.#method = method;
    this.#startSpan = startSpan;
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#timeOut(), timeoutMs);
  }

  // grpc-js runs a handler of a request stream when the call's metadata has come, any other when its
  // request is complete. What it passes on of each event is not touched, and costs no more than this.
  override start(listener: Listener): void {
    const incoming = this.#incoming;
    this.#inner.start({
      onReceiveMetadata: (metadata: Metadata) => {
        this.#span = this.#startSpan(this.#method.path, metadata);
        this.#run(() => listener.onReceiveMetadata(metadata));
      },
      onReceiveMessage: (message: unknown) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => {
        if (this.#method.requestStream || !isPast(incoming.deadline)) {
          this.#run(() => listener.onReceiveHalfClose());
        } else {
          this.#timeOut();
        }
      },
      onCancel: () => {
        clearTimeout(this.#timer);
        this.#span?.cancel();
        incoming.cancel();
        listener.onCancel();
      },
    });
  }

  override sendMetadata(metadata: Metadata): void {
    this.#inner.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#inner.sendMessage(message, callback);
  }

  override sendStatus(sent: Parameters<ServerInterceptingCall['sendStatus']>[0]): void {
    this.#incoming.answer();
    this.#span?.end(sent.code ?? status.OK, sent.details ?? '');
    this.#inner.sendStatus(sent);
  }

  #timeOut(): void {
    this.#span?.end(status.DEADLINE_EXCEEDED, deadlineExceeded.details);
    this.#inner.sendStatus(deadlineExceeded);
  }

  /** On behalf of the call, and as part of its span. */
  #run(work: () => void): void {
    const span = this.#span;
    runInCall(this.#incoming, span === undefined ? work : () => span.run(work));
  }
}

function isPast(deadline: number | undefined): boolean {
  return deadline !== undefined && deadline <= Date.now();
}

/**
 * Lets handlers see the call they answer (`currentCall`). A unary call whose deadline passes
 * while its request comes never reaches its handler; one that came without gets `defaultDeadlineMs`, Infinity for none.
 */
export function callContextInterceptor(defaultDeadlineMs: number): RouteInterceptor {
  const startSpan = isServerInstrumented() ? () => undefined : ServerSpan.start;
  return (method, call, connection) => {
    const nowMs = Date.now();
    const deadline = incomingDeadline(call, nowMs);
    if (deadline !== undefined) {
      return new ContextualCall(call, new IncomingCall(deadline, connection), method, startSpan);
    }
    const isUnary = !method.requestStream && !method.responseStream;
    if (!isUnary || defaultDeadlineMs === Number.POSITIVE_INFINITY) {
      return new ContextualCall(call, new IncomingCall(undefined, connection), method, startSpan);
    }
    const incoming = new IncomingCall(nowMs + defaultDeadlineMs, connection);
    return new ContextualCall(call, incoming, method, startSpan, defaultDeadlineMs);
  };
}
