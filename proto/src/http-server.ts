import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HttpHosts } from './http-hosts.ts';
import { type Log, silentLog } from './log.ts';
import { messageOf } from './message-of.ts';

/** Serves one path. If it throws, the response is 500 without the error's text, and the error is logged. */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>;

/** The handler of each path: for GET and HEAD, or for POST. */
export type HttpRoutes = Readonly<Record<string, HttpHandler | { post: HttpHandler }>>;

export interface HttpServerOptions {
  /** The handler of each path, such as `/metrics`. */
  routes: HttpRoutes;
  /** The setting of the port, such as `--http-port`: named if the port cannot be had. */
  portSetting: string;
  /** Host names to serve besides addresses, `localhost` and the name of this machine. Default none. */
  hosts?: readonly string[];
  /** What to do about a host name that is refused, such as `allow it with --http-host`. Sent to the caller. */
  hostAdvice: string;
  /** How long a request may take to arrive as a whole, in ms. Default 10,000. */
  requestTimeoutMs?: number;
  /** Default: silent. */
  log?: Log | undefined;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** A connection is closed if no byte moves on it for so long, in ms: its client has stopped reading. */
const IDLE_TIMEOUT_MS = 30_000;
/** How often requests that take too long are looked for, in ms. Node's default is 30 s. */
const CHECK_EVERY_MS = 1000;

function respond(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** A small HTTP server: some paths, and nothing else. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #routes: ReadonlyMap<string, HttpRoutes[string]>;
  readonly #hosts: HttpHosts;
  readonly #log: Log;
  readonly #server: Server;

  constructor(options: HttpServerOptions) {
    const { routes, hosts, log = silentLog, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
    this.#options = options;
    this.#routes = new Map(Object.entries(routes));
    this.#hosts = new HttpHosts(hosts);
    this.#log = log;
    this.#server = createServer(
      {
        requestTimeout: requestTimeoutMs,
        headersTimeout: requestTimeoutMs,
        connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestTimeoutMs / 2),
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.timeout = IDLE_TIMEOUT_MS;
  }

  /**
   * Listens; port 0 takes a free one.
   * @returns the port
   * @throws Error naming the address if it cannot be had
   */
  listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.on('error', (cause) => {
      const reason = messageOf(cause);
      // After the server listens, an error concerns one connection: for example, no descriptor is left.
      if (this.#server.listening) this.#log.warn({ reason }, 'an HTTP connection was not accepted');
      const { portSetting } = this.#options;
      reject(
        new Error(
          `cannot serve HTTP on ${host}:${port}: ${reason}. Is the port taken? Choose another with ${portSetting}`,
          { cause },
        ),
      );
    });
    this.#server.listen({ host, port }, () => {
      const address = this.#server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : port);
    });
    return promise;
  }

  /** Stops, and cuts off open responses. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-content-type-options', 'nosniff');
    const { host } = request.headers;
    if (!this.#hosts.allows(host)) {
      const { hostAdvice } = this.#options;
      respond(response, 403, `this server is not known by that host name: ${hostAdvice}`);
      return;
    }
    const [path = ''] = (request.url ?? '').split('?');
    const route = this.#routes.get(path);
    if (route === undefined) {
      const paths = [...this.#routes.keys()].filter((known) => !known.startsWith('/assets/'));
      respond(response, 404, `nothing here; there is ${paths.join(', ')}`);
      return;
    }
    const [handler, methods] =
      typeof route === 'function' ? [route, ['GET', 'HEAD']] : [route.post, ['POST']];
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('allow', methods.join(', '));
      respond(response, 405, `only ${methods[0]}`);
    } else {
      try {
        await handler(request, response);
      } catch (error) {
        this.#fail(error, path, request, response);
      }
    }
  }

  #fail(error: unknown, path: string, request: IncomingMessage, response: ServerResponse): void {
    if (request.destroyed && !request.complete) {
      this.#log.debug({ path, reason: messageOf(error) }, 'an HTTP client went away');
      return;
    }
    this.#log.error({ err: error, path }, 'an HTTP handler threw');
    if (response.headersSent) response.destroy();
    else respond(response, 500, 'failed; see the log of this process');
  }
}
