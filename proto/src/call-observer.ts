import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';

/** What kind of call, as Prometheus's gRPC metrics name it. */
export type CallType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** A call that a server answers. One object per method. */
export interface ObservedCall {
  /** `weft.registry.v1.RegistryService` */
  readonly service: string;
  /** `Register` */
  readonly method: string;
  readonly type: CallType;
}

/** Told of every call of a server's routes. Must not throw. */
export interface CallObserver {
  /** It has begun. */
  started(call: ObservedCall): void;
  /** It is over, once for each that has begun: what it ended with, and how long it took. */
  ended(call: ObservedCall, code: status, elapsedMs: number): void;
}

type Method = Parameters<ServerInterceptor>[0];
type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];

/** The kind of a method, by which sides of it are streams. */
export function callTypeOf(method: {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}): CallType {
  if (method.requestStream) return method.responseStream ? 'bidi_stream' : 'client_stream';
  return method.responseStream ? 'server_stream' : 'unary';
}

function observedCall(called: Method): ObservedCall {
  const [, service = '', method = ''] = called.path.split('/');
  return { service, method, type: callTypeOf(called) };
}

class WatchedCall extends ServerInterceptingCall {
  readonly #inner: ServerInterceptingCallInterface;
  #onEnd: ((code: status) => void) | undefined;

  constructor(inner: ServerInterceptingCallInterface, onEnd: (code: status) => void) {
    super(inner);
    this.#inner = inner;
    this.#onEnd = onEnd;
  }

  override start(listener: Listener): void {
    this.#inner.start({
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => {
        // gRPC ends a call whose deadline passes below us, and then tells the same.
        const isLate = Number(this.#inner.getDeadline()) <= Date.now();
        this.#end(isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED);
        listener.onCancel();
      },
    });
  }

  override sendStatus(sent: Parameters<ServerInterceptingCall['sendStatus']>[0]): void {
    this.#end(sent.code ?? status.UNKNOWN);
    this.#inner.sendStatus(sent);
  }

  #end(code: status): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(code);
  }
}

/**
 * Tells an observer of every call, also of those that the interceptors above it refuse: it belongs
 * beneath all of them.
 */
export function callObserver(
  observer: CallObserver,
  now: () => number = () => performance.now(),
): ServerInterceptor {
  const known = new Map<string, ObservedCall>();
  return (method, call) => {
    const observed = known.get(method.path) ?? observedCall(method);
    known.set(method.path, observed);
    const startMs = now();
    observer.started(observed);
    return new WatchedCall(call, (code) => observer.ended(observed, code, now() - startMs));
  };
}
