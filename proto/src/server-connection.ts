import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { addressText } from './address-text.ts';
import { keepPinging } from './http2-sessions.ts';

/** Last stream of a GOAWAY that only announces the end: it refuses no call (RFC 9113 section 6.8). */
const EVERY_STREAM = 2 ** 31 - 1;

/** Time for the client to acknowledge the announced end, in ms. */
const ANNOUNCED_MS = 1000;

/** Time for the client to close its side of the socket, in ms. A frozen client never does. */
const SOCKET_END_MS = 5000;

/** Longest time that a connection is kept open for a client that GOAWAY would harm, in ms. */
const LONGEST_POSTPONED_MS = 20_000;

/**
 * How much unsent data of reset streams a connection may have had before it is closed, in bytes: half of
 * `grpc-node.max_session_memory`.
 *
 * Node never takes the unsent data of a reset stream off the memory that it counts for a connection (seen in
 * Node 24.21). Beyond the maximum, it resets every new stream with ENHANCE_YOUR_CALM.
 */
const MOST_UNSENT_BYTES = 32 * 1024 * 1024;

/** Number of open calls by method path. */
export type OpenCalls = ReadonlyMap<string, number>;

/** Called when the server drops a connection on which calls are open. */
export type CutListener = (peer: string, calls: OpenCalls) => void;

const connections = new WeakMap<object, ServerConnection>();

/**
 * One connection of a server. Closes it without losing a call:
 *
 * 1. The handlers of its open calls are notified (`onClosing`).
 * 2. If calls are open, a GOAWAY announces the end. The client sends new calls elsewhere; calls that are
 *    on their way are still served.
 * 3. When the client has acknowledged a PING, a GOAWAY closes the connection for new calls. A call that
 *    arrives later is refused unread, and gRPC clients repeat it elsewhere.
 * 4. The connection ends with its last call. Keepalive goes on until then, so that the calls of a frozen
 *    client are freed.
 *
 * A plain grpc-js client with keepalive drops all its calls at its first ping after a GOAWAY
 * (https://github.com/grpc/grpc-node/issues/3068). Such a client gets the GOAWAY when it has no call
 * open, or after `postponeMs`. Clients of Weft do not have that fault.
 */
export class ServerConnection {
  /** Longest wait of step 2 for a client that GOAWAY would harm, in ms. Default 20,000. */
  postponeMs = LONGEST_POSTPONED_MS;
  readonly peer: string;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #onCut: CutListener;
  readonly #calls = new Map<ServerHttp2Stream, string>();
  readonly #closingListeners = new Set<() => void>();
  readonly #original: Pick<ServerHttp2Session, 'close' | 'goaway' | 'destroy'>;
  #isClosing = false;
  /** `leaving`: the client opens no more calls, or they are refused. */
  #state: 'open' | 'postponed' | 'announced' | 'leaving' = 'open';
  #timer: NodeJS.Timeout | undefined;
  #isGrpcJs = false;
  #unsentBytes = 0;
  #hasPinged = false;
  /** Data of the GOAWAY that grpc-js sends for an aged connection. */
  #goawayData: NodeJS.ArrayBufferView | undefined;

  /** @param onCut called when calls are cut off, unless the client broke the connection */
  constructor(session: ServerHttp2Session, socket: Socket, onCut: CutListener) {
    this.#session = session;
    this.#socket = socket;
    this.#onCut = onCut;
    const { remoteAddress: host = '', remotePort: port = 0 } = socket;
    this.peer = addressText({ host, port });
    this.#original = {
      close: session.close.bind(session),
      goaway: session.goaway.bind(session),
      destroy: session.destroy.bind(session),
    };
    connections.set(session, this);
    keepPinging(session);
    session.close = (callback) => this.close(callback);
    session.goaway = (...args) => this.#goaway(...args);
    session.destroy = (...args) => this.#destroy(...args);
    session.on('stream', (stream, headers) => this.#opened(stream, headers));
    session.on('ping', () => {
      this.#hasPinged = true;
    });
    session.once('goaway', () => {
      // Node closes the session next, and the client opens no more streams.
      this.#state = 'leaving';
    });
    session.once('close', () => clearTimeout(this.#timer));
  }

  /** The connection of a call, as the innermost interceptor of a server gets it. */
  static ofCall(call: object): ServerConnection | undefined {
    // grpc-js keeps the stream of a call private.
    const { stream } = call as { stream?: ServerHttp2Stream };
    return stream?.session && connections.get(stream.session);
  }

  /** Open calls, health and reflection included. */
  get calls(): OpenCalls {
    const counts = new Map<string, number>();
    for (const path of this.#calls.values()) counts.set(path, (counts.get(path) ?? 0) + 1);
    return counts;
  }

  /** Whether the server has begun to close the connection. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Calls `listener` once, when the server begins to close the connection.
   * @returns a function that removes the listener
   */
  onClosing(listener: () => void): () => void {
    this.#closingListeners.add(listener);
    return () => this.#closingListeners.delete(listener);
  }

  /** Notifies the handlers of open calls, once. */
  notifyClosing(): void {
    this.#isClosing = true;
    for (const listener of this.#closingListeners) listener();
    this.#closingListeners.clear();
  }

  /** Closes the connection when its calls have ended; see above. `callback` is called then. */
  close(callback?: () => void): void {
    if (callback !== undefined) this.#session.once('close', callback);
    // Node itself closes the session of a client that has gone, or that has sent GOAWAY.
    if (this.#state === 'leaving' || this.#socket.destroyed) this.#leave();
    else if (this.#state === 'open') this.#begin();
  }

  #begin(): void {
    this.#state = 'postponed';
    this.notifyClosing();
    // Without open calls, Node reads nothing more after a GOAWAY: there is no use in announcing the end.
    if (this.#calls.size === 0) this.#leave();
    else if (!this.#isHarmedByGoaway) this.#announce();
    else this.#timer = setTimeout(() => this.#announce(), this.postponeMs).unref();
  }

  get #isHarmedByGoaway(): boolean {
    return this.#isGrpcJs && this.#hasPinged;
  }

  #opened(stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>): void {
    this.#calls.set(stream, String(headers[':path']));
    this.#isGrpcJs = isPlainGrpcJs(String(headers['user-agent']));
    stream.once('close', () => {
      this.#calls.delete(stream);
      this.#unsentBytes += stream.writableLength;
      if (this.#unsentBytes > MOST_UNSENT_BYTES) this.close();
      const isWaiting = this.#state === 'postponed' || this.#state === 'announced';
      if (isWaiting && this.#calls.size === 0) this.#leave();
    });
  }

  #announce(): void {
    if (this.#session.destroyed) return;
    this.#state = 'announced';
    this.#original.goaway(constants.NGHTTP2_NO_ERROR, EVERY_STREAM, this.#goawayData);
    this.#timer = setTimeout(() => this.#leave(), ANNOUNCED_MS).unref();
    this.#session.ping(() => this.#leave());
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#state = 'leaving';
    this.#original.close();
  }

  #goaway(...[code, lastStream, data]: Parameters<ServerHttp2Session['goaway']>): void {
    // grpc-js announces the end of an aged connection right before it closes the session.
    if (lastStream === EVERY_STREAM) this.#goawayData = data;
    else this.#original.goaway(code, lastStream, data);
  }

  #destroy(...args: Parameters<ServerHttp2Session['destroy']>): void {
    const session = this.#session;
    if (session.destroyed) return;
    const isOwnDoing = typeof args[0] !== 'object' && !this.#socket.destroyed;
    if (isOwnDoing && this.#calls.size > 0) this.#onCut(this.peer, this.calls);
    this.#original.destroy(...args);
    // Node waits for the end of the client's side without limit.
    const timer = setTimeout(() => this.#socket.destroy(), SOCKET_END_MS).unref();
    session.once('close', () => clearTimeout(timer));
  }
}

/** Whether a client is of grpc-js and not of Weft, which names itself in front. */
function isPlainGrpcJs(userAgent: string): boolean {
  return userAgent.includes('grpc-node-js/') && !userAgent.startsWith('weft/');
}
