import { type Metadata, status } from '@grpc/grpc-js';
import type { Attempt } from '../balancer/attempt.ts';
import type { MethodPlan } from '../call/method-plan.ts';
import { type PickResult, PickResultType, type Subchannel } from '../grpc-experimental.ts';

type Connected = ReturnType<Subchannel['getRealSubchannel']>;
type SubchannelCall = ReturnType<Connected['createCall']>;
type CallListener = Parameters<Connected['createCall']>[3];
type CallStatus = Parameters<CallListener['onReceiveStatus']>[0];

/** Trailer by which a server says when to try again, in ms; negative: not at all (gRFC A6). */
export const PUSHBACK_KEY = 'grpc-retry-pushback-ms';

/** What the server asks of retries; undefined when nothing. */
function pushbackMs(trailers: Metadata): number | undefined {
  const [text] = trailers.get(PUSHBACK_KEY);
  if (text === undefined) return undefined;
  const ms = Number(text);
  return Number.isFinite(ms) ? ms : -1;
}

/** Attempts over one connection that can be made elsewhere when it stops answering. */
export type Movable = Set<GrpcAttempt>;

/**
 * One attempt as grpc-js makes it: the result of a pick and, in place of its subchannel, what starts
 * the call there. Nothing is added to calls that are made once.
 *
 * To a call that may be retried nothing of a response is passed on before all of it has come. gRPC
 * commits a call to an attempt with the first byte of its response (gRFC A6), so a connection that
 * breaks between the headers and the status of a unary response would fail a call that could have been
 * answered elsewhere. Such an attempt may also be given up: after its own timeout, or by `abort`.
 */
export class GrpcAttempt implements PickResult, CallListener {
  readonly pickResultType = PickResultType.COMPLETE;
  readonly status = null;
  readonly subchannel: Subchannel;
  readonly onCallEnded: NonNullable<PickResult['onCallEnded']>;
  readonly #attempt: Attempt;
  readonly #real: Subchannel;
  readonly #plan: MethodPlan;
  readonly #movable: Movable;
  #call: SubchannelCall | undefined;
  #listener: CallListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heldMetadata: Metadata | undefined;
  #heldMessage: Buffer | undefined;

  constructor(attempt: Attempt, subchannel: Subchannel, plan: MethodPlan, movable: Movable) {
    this.#attempt = attempt;
    this.#real = subchannel;
    this.#plan = plan;
    this.#movable = movable;
    // Of a subchannel, grpc-js asks a picked one for nothing but what stands below.
    this.subchannel = this as unknown as Subchannel;
    this.onCallEnded = (code, details, trailers) => {
      const rest = code === status.RESOURCE_EXHAUSTED ? pushbackMs(trailers) : undefined;
      attempt.end(code, details, trailers, rest !== undefined && rest > 0 ? rest : undefined);
    };
  }

  onCallStarted(): void {
    this.#attempt.start();
  }

  getCallCredentials(): ReturnType<Subchannel['getCallCredentials']> {
    return this.#real.getCallCredentials();
  }

  getConnectivityState(): ReturnType<Subchannel['getConnectivityState']> {
    return this.#real.getConnectivityState();
  }

  getRealSubchannel(): this {
    return this;
  }

  createCall(...[metadata, host, method, listener, id]: Parameters<Connected['createCall']>) {
    const connected = this.#real.getRealSubchannel();
    if (!this.#plan.isMovable) return connected.createCall(metadata, host, method, listener, id);
    this.#listener = listener;
    const call = connected.createCall(metadata, host, method, this, id);
    this.#call = call;
    this.#movable.add(this);
    const { perTryTimeoutMs } = this.#plan;
    if (perTryTimeoutMs !== undefined) {
      const giveUp = () => this.abort(`no answer within ${perTryTimeoutMs} ms (perTryTimeoutMs)`);
      this.#timer = setTimeout(giveUp, perTryTimeoutMs);
    }
    return call;
  }

  /** Ends the attempt, so that another can be made. */
  abort(reason: string): void {
    this.#call?.cancelWithStatus(status.UNAVAILABLE, reason);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#heldMetadata = metadata;
  }

  onReceiveMessage(message: Buffer): void {
    this.#heldMessage = message;
    // The status is behind the message, and gRPC reads on only when asked.
    this.#call?.startRead();
  }

  onReceiveStatus(end: CallStatus): void {
    clearTimeout(this.#timer);
    this.#movable.delete(this);
    const listener = this.#listener as CallListener;
    const isRetried = end.code === status.UNAVAILABLE || end.code === status.RESOURCE_EXHAUSTED;
    if (!isRetried) {
      if (this.#heldMetadata !== undefined) listener.onReceiveMetadata(this.#heldMetadata);
      if (this.#heldMessage !== undefined) listener.onReceiveMessage(this.#heldMessage);
    } else if (end.code === status.RESOURCE_EXHAUSTED && pushbackMs(end.metadata) === undefined) {
      // Only a server that says when to come back is asked again: a full quota stays full.
      end.metadata.set(PUSHBACK_KEY, '-1');
    }
    listener.onReceiveStatus(end);
  }
}
