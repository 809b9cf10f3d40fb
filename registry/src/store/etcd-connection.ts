import { rootCertificates } from 'node:tls';
import {
  type ChannelCredentials,
  Client,
  credentials,
  type Interceptor,
  Metadata,
} from '@grpc/grpc-js';
import { silentLog, WITHOUT_HTTP_PROXY } from '@weft/proto';
import {
  ClientClosedError,
  castGrpcError,
  Etcd3,
  EtcdInvalidAuthTokenError,
  GRPCResourceExhastedError,
  type IOptions,
  isRecoverableError,
} from 'etcd3';
import { CertificateFiles } from './certificate-files.ts';
import type { EtcdAccess, EtcdTls } from './etcd-access.ts';
import type { EtcdMethod } from './etcd-lease-methods.ts';
import { EtcdToken, tokenInterceptor } from './etcd-token.ts';
import { MemberTurns } from './member-turns.ts';

/** Bound on one attempt; a frozen etcd answers nothing, and no caller waits for ever. */
const ATTEMPT_MS = 2000;

const GRPC_OPTIONS = {
  ...WITHOUT_HTTP_PROXY,
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

/** For etcd3: whatever fails is for us to try again, at another member. */
const once = {
  execute: async (run: (context: { signal: AbortSignal }) => unknown) =>
    run({ signal: new AbortController().signal }),
} as unknown as NonNullable<FaultHandling['global']>;

/** Whether etcd, or the way to it, is what failed. */
export function isOutage(error: unknown): error is Error {
  return (
    error instanceof Error && (isRecoverableError(error) || error instanceof ClientClosedError)
  );
}

/**
 * Whether etcd has reached its quota. It tells so by its text alone: other limits have the same
 * code.
 */
export function isFull(error: unknown): error is Error {
  return error instanceof GRPCResourceExhastedError && error.message.includes('space exceeded');
}

/** What there is to reach the members of an etcd by, each with one for every member. */
interface MemberLinks {
  /** For single calls. */
  readonly callers: readonly Etcd3[];
  /**
   * For watches. Opening one never fails, so nothing is tried after a dead member; every stream is
   * instead opened at the member after the last one.
   */
  readonly watchers: readonly Etcd3[];
  /** For what is called without etcd3. */
  readonly clients: readonly Client[];
}

interface LinkOptions {
  tls: EtcdTls | undefined;
  interceptors: Interceptor[];
  /** Bound on one single call of etcd3's. */
  attemptMs: number;
}

/**
 * The members of an etcd. What is called for every registration and renewal goes to them by gRPC as
 * it is: what etcd3 puts around a call costs as much as the call. All else is called by etcd3.
 */
export class EtcdConnection {
  readonly endpoints: readonly string[];
  #links: MemberLinks;
  /** By former certificates, until what is under way there is over. */
  readonly #former = new Map<MemberLinks, NodeJS.Timeout>();
  readonly #opened = { watches: 0, streams: 0 };
  readonly #turns: MemberTurns;
  readonly #token: EtcdToken | undefined;
  readonly #files: CertificateFiles | undefined;
  #isClosed = false;

  constructor(endpoints: readonly string[], { tls, user, log = silentLog }: EtcdAccess = {}) {
    this.endpoints = endpoints;
    const authenticate = async ({ name, password }: NonNullable<EtcdAccess['user']>) =>
      (await this.run(({ auth }) => auth.authenticate({ name, password }))).token;
    this.#token = user && new EtcdToken(() => authenticate(user));
    const interceptors = this.#token ? [tokenInterceptor(this.#token, isOutage)] : [];
    const hosts = endpoints.map((endpoint) => endpoint.replace(/^https?:\/\//, ''));
    const options = { interceptors, attemptMs: attemptMs(hosts.length) };
    this.#links = openLinks(hosts, { ...options, tls });
    const onChange = (tls: EtcdTls) => this.#replace(openLinks(hosts, { ...options, tls }));
    this.#files = tls && new CertificateFiles({ tls, log, onChange });
    this.#turns = new MemberTurns(hosts.length);
  }

  get memberCount(): number {
    return this.#links.watchers.length;
  }

  /** The member at which to open the next watch. */
  member(): Etcd3 {
    return linkTo(this.#links.watchers, this.#turns.ofStream(this.#opened.watches++));
  }

  /**
   * Makes a call by etcd3 at one member after the other, until one of them answers.
   * @param call gets whether it is repeated: an attempt whose answer was lost may have been carried
   *   out
   */
  run<Answer>(call: (etcd: Etcd3, isRepeated: boolean) => Promise<Answer>): Promise<Answer> {
    let isRepeated = false;
    return this.#untilAnswered((member) => {
      const answer = call(linkTo(this.#links.callers, member), isRepeated);
      isRepeated = true;
      return answer;
    });
  }

  /** Calls a method at one member after the other, until one of them answers. */
  async call<Request, Answer>(
    method: EtcdMethod<Request, Answer>,
    request: Request,
  ): Promise<Answer> {
    try {
      return await this.#untilAnswered((member) => {
        if (this.#isClosed) throw new ClientClosedError(method.path);
        const deadline = Date.now() + attemptMs(this.memberCount);
        return callAt(linkTo(this.#links.clients, member), method, request, deadline);
      });
    } catch (error) {
      // The token is dropped, and another one asked for. Where etcd refuses that too, it is told
      // otherwise.
      if (error instanceof EtcdInvalidAuthTokenError) return this.call(method, request);
      throw error;
    }
  }

  /**
   * Opens a stream, at the member after the one of the stream before, but for those that failed a
   * moment ago.
   */
  stream<Request, Answer>({ path, encode, decode }: EtcdMethod<Request, Answer>) {
    const client = linkTo(this.#links.clients, this.#turns.ofStream(this.#opened.streams++));
    return client.makeBidiStreamRequest(path, encode, decode);
  }

  /**
   * A stream was refused without a word why: it may be for its token, so that the next gets
   * another.
   */
  forgetToken(): void {
    this.#token?.refused();
  }

  close(): void {
    this.#isClosed = true;
    this.#files?.close();
    for (const [links, timer] of this.#former) {
      clearTimeout(timer);
      closeLinks(links);
    }
    closeLinks(this.#links);
  }

  /** Calls and streams to come go by other certificates; those under way end where they are. */
  #replace(links: MemberLinks): void {
    const former = this.#links;
    this.#links = links;
    const close = () => {
      this.#former.delete(former);
      closeLinks(former);
    };
    this.#former.set(former, setTimeout(close, 2 * ATTEMPT_MS).unref());
  }

  async #untilAnswered<Answer>(call: (member: number) => Promise<Answer>): Promise<Answer> {
    const tried = new Set<number>();
    for (;;) {
      const member = this.#turns.next(tried);
      tried.add(member);
      try {
        const answer = await call(member);
        this.#turns.answered(member);
        return answer;
      } catch (error) {
        if (!isOutage(error)) {
          this.#turns.answered(member);
          throw error;
        }
        this.#turns.failed(member);
        if (tried.size >= attemptsAt(this.memberCount)) throw error;
      }
    }
  }
}

function linkTo<T>(links: readonly T[], member: number): T {
  const link = links[member];
  if (link === undefined) throw new Error('etcd has no members');
  return link;
}

/** How often a single call is tried, and how long each attempt may take. */
const attemptsAt = (members: number) => Math.min(3, members);
const attemptMs = (members: number) => ATTEMPT_MS / Math.min(2, members);

function callAt<Request, Answer>(
  client: Client,
  { path, encode, decode }: EtcdMethod<Request, Answer>,
  request: Request,
  deadline: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // gRPC notes where a call was made, in case it fails. That takes a fifth of the call.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      const metadata = new Metadata();
      client.makeUnaryRequest(
        path,
        encode,
        decode,
        request,
        metadata,
        { deadline },
        (error, answer) =>
          answer === undefined ? reject(castGrpcError(error as Error)) : resolve(answer),
      );
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
}

/** @param hosts `host:port` of each member */
function openLinks(hosts: readonly string[], options: LinkOptions): MemberLinks {
  const { tls, interceptors } = options;
  const secret = channelCredentials(tls);
  return {
    callers: hosts.map((host) => connect(host, options)),
    watchers: hosts.map((host) => connect(host, options)),
    clients: hosts.map((host) => new Client(host, secret, { ...GRPC_OPTIONS, interceptors })),
  };
}

function closeLinks({ callers, watchers, clients }: MemberLinks): void {
  for (const each of [...callers, ...watchers, ...clients]) each.close();
}

const authorities = ({ ca }: EtcdTls) => ca ?? Buffer.from(rootCertificates.join('\n'));

function channelCredentials(tls: EtcdTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(authorities(tls), tls.key ?? null, tls.cert ?? null);
}

function connect(host: string, { tls, interceptors, attemptMs }: LinkOptions): Etcd3 {
  const secret = tls && {
    rootCertificate: authorities(tls),
    ...(tls.cert && tls.key ? { certChain: tls.cert, privateKey: tls.key } : {}),
  };
  return new Etcd3({
    hosts: [host],
    ...(secret ? { credentials: secret } : {}),
    // gRPC takes the interceptors out of the options it is given: each member gets its own.
    grpcOptions: { ...GRPC_OPTIONS, interceptors } as IOptions['grpcOptions'],
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + attemptMs }),
    faultHandling: { host: () => once, global: once },
  });
}
