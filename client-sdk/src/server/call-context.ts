import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerConnection } from '@weft/proto';

/** The incoming call on whose behalf code runs. */
export interface CallContext {
  /** When its caller stops waiting, in ms since the epoch; undefined when the caller set no end. */
  readonly deadline: number | undefined;
  /** Aborts when the caller cancels or is gone, or the deadline passes; never once it is answered. */
  readonly signal: AbortSignal;
  /**
   * Aborts when the service begins to stop, or the connection of the call has reached its age limit
   * (`maxConnectionAgeMs`). The call may go on, but is cut off at the end of `drainMs`, or 5 minutes after
   * the age limit. A handler of a stream without an end should end the stream soon; the client then opens
   * it again elsewhere.
   */
  readonly closing: AbortSignal;
}

/** What a call has to know of its connection. */
type ClosingConnection = Pick<ServerConnection, 'isClosing' | 'onClosing'>;

/** A call that is being handled, from its start until its status is sent. */
export class IncomingCall implements CallContext {
  /** The same on the monotonic clock: a wall clock that is set does not end what is under way. */
  readonly #endsAt: number | undefined;
  #state: 'running' | 'cancelled' | 'answered' = 'running';
  /** Made when first asked for: a handler that calls nothing needs none. */
  #controller: AbortController | undefined;
  readonly #connection: ClosingConnection | undefined;
  #closing: AbortController | undefined;
  #unfollow: (() => void) | undefined;

  /**
   * @param deadline in ms since the epoch, as the wall clock stands now
   * @param connection the connection that the call came by
   */
  constructor(deadline: number | undefined, connection?: ClosingConnection) {
    this.#connection = connection;
    if (deadline !== undefined) this.#endsAt = performance.now() + deadline - Date.now();
  }

  get deadline(): number | undefined {
    if (this.#endsAt === undefined) return undefined;
    return Math.floor(Date.now() + this.#endsAt - performance.now());
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === 'cancelled') this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get closing(): AbortSignal {
    if (this.#closing === undefined) {
      const controller = new AbortController();
      this.#closing = controller;
      if (this.#connection?.isClosing) controller.abort();
      else if (this.#state === 'running') {
        this.#unfollow = this.#connection?.onClosing(() => controller.abort());
      }
    }
    return this.#closing.signal;
  }

  get isAnswered(): boolean {
    return this.#state === 'answered';
  }

  /** The handler has answered; a cancellation after that is none. */
  answer(): void {
    if (this.#state !== 'running') return;
    this.#state = 'answered';
    this.#unfollow?.();
  }

  cancel(): void {
    if (this.#state !== 'running') return;
    this.#state = 'cancelled';
    this.#unfollow?.();
    this.#controller?.abort();
  }
}

const calls = new AsyncLocalStorage<IncomingCall | undefined>();

/** Runs `work`, and all that it starts, on behalf of `call`. */
export function runInCall<T>(call: IncomingCall, work: () => T): T {
  return calls.run(call, work);
}

/**
 * The call that the running code is part of answering: across awaits, in async generators and in
 * timers set meanwhile. Undefined outside of handlers, and in what still runs after the answer.
 */
export function currentCall(): CallContext | undefined {
  const call = calls.getStore();
  return call === undefined || call.isAnswered ? undefined : call;
}

/**
 * Runs `work`, and all that it starts, on behalf of no call: what must go on when the caller is gone
 * inherits neither its deadline nor its cancellation.
 */
export function withoutCall<T>(work: () => T): T {
  return calls.run(undefined, work);
}
