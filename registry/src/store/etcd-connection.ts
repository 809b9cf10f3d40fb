import { rootCertificates } from 'node:tls';
import type { Interceptor } from '@grpc/grpc-js';
import {
  ClientClosedError,
  Etcd3,
  GRPCResourceExhastedError,
  type IOptions,
  isRecoverableError,
} from 'etcd3';
import type { EtcdAccess, EtcdTls } from './etcd-access.ts';
import { EtcdToken, tokenInterceptor } from './etcd-token.ts';

/** Bound on one attempt; a frozen etcd answers nothing, and no caller waits for ever. */
const ATTEMPT_MS = 2000;

const GRPC_OPTIONS = {
  // etcd does not part what a watch has to catch up with, nor a page by its bytes.
  'grpc.max_receive_message_length': -1,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  // grpc-js does not read it; nice-grpc bounds each attempt to connect by it, SETTINGS included.
  'grpc.min_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

type FaultHandling = NonNullable<IOptions['faultHandling']>;

/** Runs a call once per host, in etcd3's order, until one of them answers. */
function onePerHost(hosts: number): NonNullable<FaultHandling['global']> {
  return {
    async execute(run: (context: { signal: AbortSignal }) => unknown) {
      const context = { signal: new AbortController().signal };
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await run(context);
        } catch (error) {
          if (attempt >= hosts || !isOutage(error)) throw error;
        }
      }
    },
  } as unknown as NonNullable<FaultHandling['global']>;
}

/** Whether etcd, or the way to it, is what failed. */
export function isOutage(error: unknown): error is Error {
  return (
    error instanceof Error && (isRecoverableError(error) || error instanceof ClientClosedError)
  );
}

/** Whether etcd has reached its quota. It tells so by its text alone: other limits have the same code. */
export function isFull(error: unknown): error is Error {
  return error instanceof GRPCResourceExhastedError && error.message.includes('space exceeded');
}

/** The members of an etcd: one way to them for single calls, and one for streams. */
export class EtcdConnection {
  readonly endpoints: readonly string[];
  /** For single calls: tries one member after the other, in an order of its own. */
  readonly calls: Etcd3;
  /**
   * One per member, for streams. Opening one never fails, so nothing is tried after a dead member;
   * every stream is instead opened at the member after the last one.
   */
  readonly #members: readonly Etcd3[];
  readonly #opened = { watches: 0, keepAlives: 0 };
  readonly #token: EtcdToken | undefined;

  constructor(endpoints: readonly string[], { tls, user }: EtcdAccess = {}) {
    this.endpoints = endpoints;
    const authenticate = async ({ name, password }: NonNullable<EtcdAccess['user']>) =>
      (await this.calls.auth.authenticate({ name, password })).token;
    this.#token = user && new EtcdToken(() => authenticate(user));
    const interceptors = this.#token ? [tokenInterceptor(this.#token, isOutage)] : [];
    const options = { tls, interceptors };
    this.calls = connect(endpoints, options);
    this.#members = endpoints.map((endpoint) => connect([endpoint], options));
  }

  get memberCount(): number {
    return this.#members.length;
  }

  /** The member at which to open the next stream of a kind. */
  member(kind: 'watches' | 'keepAlives'): Etcd3 {
    const next = this.#members[this.#opened[kind] % this.#members.length];
    this.#opened[kind] += 1;
    if (next === undefined) throw new Error('etcd has no members');
    return next;
  }

  /** A stream was refused without a word why: it may be for its token, so that the next gets another. */
  forgetToken(): void {
    this.#token?.refused();
  }

  close(): void {
    this.calls.close();
    for (const member of this.#members) member.close();
  }
}

interface ConnectOptions {
  tls: EtcdTls | undefined;
  interceptors: Interceptor[];
}

function connect(members: readonly string[], { tls, interceptors }: ConnectOptions): Etcd3 {
  const once = onePerHost(1);
  const credentials = tls && {
    rootCertificate: tls.ca ?? Buffer.from(rootCertificates.join('\n')),
    ...(tls.cert && tls.key ? { certChain: tls.cert, privateKey: tls.key } : {}),
  };
  return new Etcd3({
    hosts: members.map((endpoint) => endpoint.replace(/^https?:\/\//, '')),
    ...(credentials ? { credentials } : {}),
    // gRPC takes the interceptors out of the options it is given: each member gets its own.
    grpcOptions: { ...GRPC_OPTIONS, interceptors } as IOptions['grpcOptions'],
    defaultCallOptions: ({ isStream }) =>
      isStream ? {} : { deadline: Date.now() + ATTEMPT_MS / Math.min(2, members.length) },
    faultHandling: { host: () => once, global: onePerHost(Math.min(3, members.length)) },
  });
}
