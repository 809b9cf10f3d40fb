import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Log, silentLog } from './log.ts';
import { messageOf } from './message-of.ts';

/** Answers what one path is asked. What it throws is answered 500 without its text, and logged. */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>;

/** What is answered at each path: GET (and HEAD), or POST. */
export type HttpRoutes = Readonly<Record<string, HttpHandler | { post: HttpHandler }>>;

/** A request must be there within this; nobody holds a connection open by being slow. */
const REQUEST_TIMEOUT_MS = 10_000;

function answer(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** A small HTTP server: some paths, and nothing else. */
export class HttpServer {
  readonly #routes: ReadonlyMap<string, HttpRoutes[string]>;
  readonly #portSetting: string;
  readonly #log: Log;
  readonly #server: Server;

  /**
   * @param routes what answers each path, such as `/metrics`
   * @param portSetting where its port is set, such as `--http-port`, to be told who cannot have it
   */
  constructor(routes: HttpRoutes, portSetting: string, log: Log = silentLog) {
    this.#routes = new Map(Object.entries(routes));
    this.#portSetting = portSetting;
    this.#log = log;
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => void this.#answer(request, response),
    );
  }

  /**
   * Listens; port 0 takes a free one. Answers the port.
   * @throws Error naming the address when it cannot be had
   */
  listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.once('error', (cause) => {
      const reason = messageOf(cause);
      reject(
        new Error(
          `cannot serve HTTP on ${host}:${port}: ${reason}. Is the port taken? Choose another with ${this.#portSetting}`,
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

  /** Stops; open answers are cut off. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    const route = this.#routes.get(path);
    if (route === undefined) {
      const paths = [...this.#routes.keys()].filter((known) => !known.startsWith('/assets/'));
      answer(response, 404, `nothing here; there is ${paths.join(', ')}`);
      return;
    }
    const [handler, methods] =
      typeof route === 'function' ? [route, ['GET', 'HEAD']] : [route.post, ['POST']];
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('allow', methods.join(', '));
      answer(response, 405, `only ${methods[0]}`);
    } else {
      try {
        await handler(request, response);
      } catch (error) {
        this.#log.error({ err: error, path }, 'an HTTP handler threw');
        if (response.headersSent) response.destroy();
        else answer(response, 500, 'failed; see the log of this process');
      }
    }
  }
}
