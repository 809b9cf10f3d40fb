import { constants } from 'node:http2';
import { connectivityState, Metadata, status } from '@grpc/grpc-js';
import { metadataBytes, overLimit, PUSHBACK_TRAILER, type SizeLimits } from '@weft/proto';
import type { Attempt } from '../balancer/attempt.ts';
import type { CallRecord } from '../balancer/call-record.ts';
import type { EndedBy } from '../breaker/classify.ts';
import { whereToRaise } from '../call/call-limits.ts';
import type { MethodPlan } from '../call/method-plan.ts';
import type { PlannedCall } from '../call/planned-call.ts';
import { type PickResult, PickResultType, type Subchannel } from '../grpc-experimental.ts';
import { DecompressError, decompressed } from './decompress.ts';
import {
  type CallListener,
  type CallStatus,
  endedByPeer,
  endedHere,
  limitReceivedMessages,
  onEndedHere,
  type SubchannelCall,
  timeoutMs,
} from './subchannel-call.ts';

/** How long the server asks to be left alone, in ms; undefined when it says nothing of it (gRFC A6). */
function pushbackMs(trailers: Metadata): number | undefined {
  const ms = Number(trailers.get(PUSHBACK_TRAILER)[0] ?? Number.NaN);
  return ms >= 0 ? Math.min(ms, LONGEST_REST_MS) : undefined;
}

/** How grpc-js says that a response is larger than it may read. */
const RESPONSE_TOO_LARGE = /^Received message larger than max \((\d+) vs/;

/** Nothing a peer says takes it out of the picks for longer, in ms. */
const LONGEST_REST_MS = 60_000;

/** What an attempt has to know of the connection it is made over. */
export interface AttemptSite {
  /** Number of connections that have ended, by GOAWAY or otherwise. */
  readonly endedConnections: number;
  /** Attempts that can be made elsewhere when the connection stops answering. */
  readonly movable: Set<GrpcAttempt>;
  /** Whether an attempt of the call may be given up for one at another instance, which is then paid for. */
  fundMove(call: CallRecord): boolean;
}

/**
 * One attempt as grpc-js makes it: the result of a pick and, in place of its subchannel, what starts
 * the call there.
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
  readonly #limits: SizeLimits;
  readonly #site: AttemptSite;
  #call: SubchannelCall | undefined;
  #listener: CallListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is left of the deadline, as it is sent to the server. */
  #timeout: string | undefined;
  /** `endedConnections` when it was sent. */
  #endedConnections = 0;
  #heldMetadata: Metadata | undefined;
  #heldMessage: Buffer | undefined;
  #hasMessage = false;
  /** How the server compresses messages, as its headers say. */
  #encoding = '';
  #restMs: number | undefined;
  /** Where its status came from; undefined until it has one. */
  #endedBy: EndedBy | undefined;

  constructor(
    attempt: Attempt,
    subchannel: Subchannel,
    { plan, sizeLimits }: Pick<PlannedCall, 'plan' | 'sizeLimits'>,
    site: AttemptSite,
  ) {
    this.#attempt = attempt;
    this.#real = subchannel;
    this.#plan = plan;
    this.#limits = sizeLimits;
    this.#site = site;
    // Of a subchannel, grpc-js asks a picked one for nothing but what stands below.
    this.subchannel = this as unknown as Subchannel;
    this.onCallEnded = (code, details, trailers) => {
      const endedBy = this.#endedBy ?? endedHere(code);
      const restMs = this.#restMs;
      const allowedMs = endedBy === 'timeout' ? this.#allowedMs : undefined;
      attempt.end(code, { details, trailers, endedBy, restMs, allowedMs });
    };
  }

  /** How long the attempt was allowed to take, in ms; undefined for as long as it likes. */
  get #allowedMs(): number | undefined {
    const { perTryTimeoutMs = Number.POSITIVE_INFINITY } = this.#plan;
    return Math.min(perTryTimeoutMs, timeoutMs(this.#timeout));
  }

  onCallStarted(): void {
    this.#attempt.start();
  }

  getCallCredentials(): ReturnType<Subchannel['getCallCredentials']> {
    return this.#real.getCallCredentials();
  }

  getConnectivityState(): ReturnType<Subchannel['getConnectivityState']> {
    const state = this.#real.getConnectivityState();
    // gRPC asks before it sends the attempt. If the connection has just ended, gRPC picks again.
    if (state !== connectivityState.READY) this.#attempt.abandon();
    return state;
  }

  getRealSubchannel(): this {
    return this;
  }

  createCall(
    metadata: Metadata,
    host: string,
    method: string,
    listener: CallListener,
    id?: number,
  ): SubchannelCall {
    this.#listener = listener;
    this.#timeout = metadata.get('grpc-timeout')[0]?.toString();
    this.#endedConnections = this.#site.endedConnections;
    this.#attempt.call.endsAt = performance.now() + timeoutMs(this.#timeout);
    const call = this.#real.getRealSubchannel().createCall(metadata, host, method, this, id);
    this.#call = call;
    limitReceivedMessages(call, this.#limits.maxReceiveMessageBytes);
    onEndedHere(call, (code, details) => {
      this.#endedBy ??= endedHere(code);
      const bytes = RESPONSE_TOO_LARGE.exec(details)?.[1];
      if (bytes === undefined) return details;
      return this.#tooLarge('a response message', Number(bytes), 'maxReceiveMessageBytes');
    });
    if (!this.#plan.isMovable) return call;
    this.#site.movable.add(this);
    const { perTryTimeoutMs } = this.#plan;
    if (perTryTimeoutMs !== undefined) {
      const giveUp = () => {
        // A late answer is better than none.
        if (!this.#site.fundMove(this.#attempt.call)) return;
        this.#endedBy ??= 'timeout';
        this.#end(`no answer within ${perTryTimeoutMs} ms (perTryTimeoutMs)`);
      };
      this.#timer = setTimeout(giveUp, perTryTimeoutMs);
    }
    return call;
  }

  /** Ends the attempt, as its endpoint was left out, if another can be made. */
  abort(reason: string): void {
    if (!this.#plan.isMovable || !this.#site.fundMove(this.#attempt.call)) return;
    this.#attempt.excuse();
    this.#end(reason);
  }

  #end(reason: string): void {
    this.#call?.cancelWithStatus(status.UNAVAILABLE, reason);
  }

  /**
   * A full quota is full elsewhere too, so the call is not made again. An instance that is overloaded
   * says when to come back: until then it is left alone, and the call need not wait for it.
   */
  #markOverload(trailers: Metadata): void {
    this.#restMs = pushbackMs(trailers);
    if (this.#restMs === undefined) trailers.set(PUSHBACK_TRAILER, '-1');
    else trailers.remove(PUSHBACK_TRAILER);
  }

  #tooLarge(what: string, bytes: number | undefined, setting: keyof SizeLimits): string {
    const { service } = this.#attempt.endpoint.instance;
    return overLimit(what, bytes, this.#limits, setting, whereToRaise(service));
  }

  /** What is wrong with metadata of the server; undefined if it is small enough. */
  #metadataFault(metadata: Metadata, what: string): string | undefined {
    const bytes = metadataBytes(metadata);
    if (bytes <= this.#limits.maxReceiveMetadataBytes) return undefined;
    return this.#tooLarge(what, bytes, 'maxReceiveMetadataBytes');
  }

  onReceiveMetadata(metadata: Metadata): void {
    const fault = this.#metadataFault(metadata, 'the response metadata');
    if (fault !== undefined) {
      this.#call?.cancelWithStatus(status.RESOURCE_EXHAUSTED, fault);
      return;
    }
    this.#encoding = String(metadata.get('grpc-encoding')[0] ?? '');
    if (!this.#plan.isUnary) this.#attempt.responded();
    if (this.#plan.isMovable) this.#heldMetadata = metadata;
    else this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(received: Buffer): void {
    const message = this.#decompressed(received);
    if (message === undefined) return;
    const { isUnary, isMovable } = this.#plan;
    if (isUnary && this.#hasMessage) {
      // A grpc-js client ends such a call in the same way, if it sees the second message.
      this.#call?.cancelWithStatus(status.UNIMPLEMENTED, 'Too many responses received');
      return;
    }
    this.#hasMessage = true;
    if (!isUnary) this.#attempt.responded();
    if (isMovable) this.#heldMessage = message;
    else this.#listener?.onReceiveMessage(message);
    // gRPC reads on only when asked. Behind the message comes the status, or a message too many.
    if (isUnary) this.#call?.startRead();
  }

  /** The message without compression; undefined if that ended the attempt. */
  #decompressed(message: Buffer): Buffer | undefined {
    const { maxReceiveMessageBytes } = this.#limits;
    try {
      return decompressed(message, this.#encoding, maxReceiveMessageBytes);
    } catch (error) {
      if (!(error instanceof DecompressError)) throw error;
      const details = error.isTooLarge
        ? this.#tooLarge('a response message', undefined, 'maxReceiveMessageBytes')
        : error.message;
      const code = error.isTooLarge ? status.RESOURCE_EXHAUSTED : status.INTERNAL;
      this.#call?.cancelWithStatus(code, details);
      return undefined;
    }
  }

  onReceiveStatus(received: CallStatus): void {
    const end = this.#withinLimits(received);
    this.#endedBy ??= endedByPeer(end);
    // gRPC makes it again at once, before it tells of the end of this one.
    const isUnread =
      end.rstCode === constants.NGHTTP2_REFUSED_STREAM &&
      this.#attempt.refuse(this.#site.endedConnections !== this.#endedConnections);
    const isMadeOnce = this.#plan.maxAttempts === 1 && !isUnread;
    if (isMadeOnce && end.code === status.UNAVAILABLE) end.metadata.set(PUSHBACK_TRAILER, '-1');
    if (end.code === status.RESOURCE_EXHAUSTED) this.#markOverload(end.metadata);
    if (this.#plan.isMovable) this.#passHeld(end);
    this.#listener?.onReceiveStatus(end);
  }

  /** The same end, or another one if its trailers are too large. */
  #withinLimits(end: CallStatus): CallStatus {
    const fault = this.#metadataFault(end.metadata, 'the trailing metadata');
    if (fault === undefined) return end;
    this.#endedBy ??= 'client';
    return { code: status.RESOURCE_EXHAUSTED, details: fault, metadata: new Metadata() };
  }

  /** Passes on what was held back, unless the call is made again. */
  #passHeld(end: CallStatus): void {
    clearTimeout(this.#timer);
    this.#site.movable.delete(this);
    const listener = this.#listener as CallListener;
    const isRetried = end.code === status.UNAVAILABLE || end.code === status.RESOURCE_EXHAUSTED;
    if (isRetried) return;
    if (this.#heldMetadata !== undefined) listener.onReceiveMetadata(this.#heldMetadata);
    if (this.#heldMessage !== undefined) listener.onReceiveMessage(this.#heldMessage);
  }
}
