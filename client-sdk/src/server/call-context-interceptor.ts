import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { deadlineExceeded, incomingDeadline } from '@weft/proto';
import { IncomingCall, runInCall } from './call-context.ts';

type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];
type Method = Parameters<ServerInterceptor>[0];

/** A call whose handler runs in a context of its own. */
class ContextualCall extends ServerInterceptingCall {
  readonly #inner: ServerInterceptingCallInterface;
  readonly #incoming: IncomingCall;
  readonly #isHandledAtOnce: boolean;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(
    inner: ServerInterceptingCallInterface,
    incoming: IncomingCall,
    method: Method,
    timer: NodeJS.Timeout | undefined,
  ) {
    super(inner);
    this.#inner = inner;
    this.#incoming = incoming;
    this.#timer = timer;
    this.#isHandledAtOnce = method.requestStream;
  }

  // grpc-js runs a handler of a request stream when the call's metadata has come, any other when its
  // request is complete. What it passes on of each event is not touched, and costs no more than this.
  override start(listener: Listener): void {
    const incoming = this.#incoming;
    this.#inner.start({
      onReceiveMetadata: (metadata: Metadata) =>
        runInCall(incoming, () => listener.onReceiveMetadata(metadata)),
      onReceiveMessage: (message: unknown) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => {
        if (this.#isHandledAtOnce || !isPast(incoming.deadline)) {
          runInCall(incoming, () => listener.onReceiveHalfClose());
        } else {
          this.#inner.sendStatus(deadlineExceeded);
        }
      },
      onCancel: () => {
        clearTimeout(this.#timer);
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
    this.#inner.sendStatus(sent);
  }
}

function isPast(deadline: number | undefined): boolean {
  return deadline !== undefined && deadline <= Date.now();
}

/**
 * Lets handlers see the call they answer (`currentCall`). A unary call whose deadline passes
 * while its request comes never reaches its handler; one that came without gets `defaultDeadlineMs`, Infinity for none.
 */
export function callContextInterceptor(defaultDeadlineMs: number): ServerInterceptor {
  return (method, call) => {
    const nowMs = Date.now();
    const deadline = incomingDeadline(call, nowMs);
    if (deadline !== undefined) {
      return new ContextualCall(call, new IncomingCall(deadline), method, undefined);
    }
    const isUnary = !method.requestStream && !method.responseStream;
    if (!isUnary || defaultDeadlineMs === Number.POSITIVE_INFINITY) {
      return new ContextualCall(call, new IncomingCall(undefined), method, undefined);
    }
    const timer = setTimeout(() => call.sendStatus(deadlineExceeded), defaultDeadlineMs);
    return new ContextualCall(call, new IncomingCall(nowMs + defaultDeadlineMs), method, timer);
  };
}
