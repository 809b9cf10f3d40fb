import { InterceptingCall, type Interceptor, status } from '@grpc/grpc-js';
import { messageOf } from '@weft/proto';

/** Where the password is given for a token; asked without one. */
const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate';

/** What etcd says of a token that has expired, that it lost in a restart, or that is older than its users. */
const REFUSED = /etcdserver: (invalid auth token|revision of auth store is old)/;

/**
 * The token by which etcd knows its user, got with the password when it is needed: at first, and
 * whenever etcd has refused the one in use. etcd3 has one of its own, which it never renews for streams.
 */
export class EtcdToken {
  readonly #authenticate: () => Promise<string>;
  #value: string | undefined;
  /** Whether etcd has taken the one in use. */
  #isProven = false;
  #asking: Promise<string> | undefined;

  /** @param authenticate asks etcd for a token; may fail, and is then asked again at the next call */
  constructor(authenticate: () => Promise<string>) {
    this.#authenticate = authenticate;
  }

  /** The token in use; undefined while there is none. */
  get value(): string | undefined {
    return this.#value;
  }

  /** A token, asked for by one caller for all. */
  get(): Promise<string> {
    if (this.#value !== undefined) return Promise.resolve(this.#value);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** etcd has taken a token. */
  proven(token: string): void {
    if (token === this.#value) this.#isProven = true;
  }

  /**
   * Drops a token that etcd has refused, or `undefined`: whichever is in use. Answers whether another
   * one may do better: not if etcd takes none of those it gives.
   */
  refused(token = this.#value): boolean {
    const mayHelp = token !== this.#value || this.#isProven;
    if (token === this.#value) this.#value = undefined;
    return mayHelp;
  }

  async #ask(): Promise<string> {
    const value = await this.#authenticate();
    this.#value = value;
    this.#isProven = false;
    return value;
  }
}

/** Sends every call with a token. One refused is dropped; it is for the caller to call again. */
export function tokenInterceptor(token: EtcdToken, isOutage: (error: unknown) => boolean) {
  const interceptor: Interceptor = (options, nextCall) => {
    if (options.method_definition.path === AUTHENTICATE) {
      return new InterceptingCall(nextCall(options));
    }
    return new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        const fail = (code: status, details: string) =>
          listener.onReceiveStatus({ code, details, metadata });
        const begin = (value: string) => {
          metadata.set('token', value);
          next(metadata, {
            onReceiveStatus(received, pass) {
              if (received.code === status.OK) token.proven(value);
              const isRefused = received.code !== status.OK && REFUSED.test(received.details);
              if (!isRefused || token.refused(value)) return pass(received);
              const details = 'it refuses the token that it has just given';
              return pass({ ...received, code: status.UNAUTHENTICATED, details });
            },
          });
        };
        if (token.value !== undefined) return begin(token.value);
        token.get().then(
          (value) => {
            const isLate = Number(options.deadline ?? Number.POSITIVE_INFINITY) <= Date.now();
            if (isLate) fail(status.DEADLINE_EXCEEDED, 'no token within the deadline');
            else begin(value);
          },
          (error: unknown) =>
            fail(isOutage(error) ? status.UNAVAILABLE : status.UNAUTHENTICATED, messageOf(error)),
        );
      },
    });
  };
  return interceptor;
}
