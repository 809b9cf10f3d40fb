import type { FileRegistry } from '@bufbuild/protobuf';
import type { ChannelOptions } from '@grpc/grpc-js';
import { isAbortError } from 'abort-controller-x';
import {
  createServer,
  type Server,
  ServerError,
  type ServerMiddleware,
  type ServiceImplementation,
  Status,
  type TsProtoServiceDefinition,
} from 'nice-grpc';
import { errorDetailsServerMiddleware } from 'nice-grpc-error-details';
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health.ts';
import { ServerReflectionDefinition } from '../gen/grpc/reflection/v1/reflection.ts';
import { ServerReflectionDefinition as ServerReflectionAlphaDefinition } from '../gen/grpc/reflection/v1alpha/reflection.ts';
import { PeerServiceDefinition } from '../gen/weft/peer/v1/peer.ts';
import type { CallObserver } from './call-observer.ts';
import { reflectedContracts } from './descriptor-registry.ts';
import { EncodedResponses } from './encoded-responses.ts';
import { CLOSE_FAILED_BIND_KEY, installFailedBindClose } from './failed-bind.ts';
import { HealthState, healthService } from './health.ts';
import { SESSION_LISTENER_KEY, type SessionListener } from './http2-sessions.ts';
import { type Identity, peerService } from './identity.ts';
import { type Log, silentLog } from './log.ts';
import { reflectionService } from './reflection.ts';
import {
  CALL_RESET_LIMITS,
  installResetLimits,
  RESET_LIMITS_KEY,
  type ResetLimits,
} from './reset-limits.ts';
import { type RouteInterceptor, routeInterceptor } from './route-interceptor.ts';
import { ServerConnection } from './server-connection.ts';
import { Shedding, type SheddingSettings } from './shedding.ts';
import { DEFAULT_SIZE_LIMITS, type SizeLimits } from './size-limits.ts';
import { serverTransport } from './transport-defaults.ts';

/** One gRPC service of a server: its contract and what answers it. */
export interface Route {
  readonly definition: TsProtoServiceDefinition;
  readonly implementation: unknown;
}

/** Binds an implementation to its contract; the types of the two are checked against each other. */
export function route<Definition extends TsProtoServiceDefinition>(
  definition: Definition,
  implementation: ServiceImplementation<Definition>,
): Route {
  return { definition, implementation };
}

/**
 * Splits the methods of a contract by whether the implementation has a handler. nice-grpc cannot add a
 * method without one. gRPC itself returns UNIMPLEMENTED for a method that was not added.
 */
function splitMethods({ methods }: TsProtoServiceDefinition, implementation: unknown) {
  const handlers = implementation as Partial<Record<string, unknown>>;
  const hasHandler = ([key]: [string, unknown]) => typeof handlers[key] === 'function';
  const entries = Object.entries(methods);
  return {
    present: Object.fromEntries(entries.filter(hasHandler)),
    missing: entries.filter((entry) => !hasHandler(entry)).map(([, { name }]) => name),
  };
}

export interface GrpcServerOptions {
  /** What to serve. Health and reflection (v1 and v1alpha) are added. */
  routes: readonly Route[];
  /**
   * Compiled contracts (google.protobuf.FileDescriptorSet, as `buf build -o` or
   * `protoc --include_imports -o` write them) for reflection. Weft's own are always there.
   */
  descriptorSets?: readonly Uint8Array[];
  /** Transport options over Weft's defaults. */
  transport?: ChannelOptions;
  /** How large messages and metadata of the routes may be. Default DEFAULT_SIZE_LIMITS. */
  sizeLimits?: SizeLimits;
  /**
   * When calls of the routes are refused for load: RESOURCE_EXHAUSTED with RetryInfo and pushback.
   * Health, reflection and identity never are. Default false: never.
   */
  shedding?: SheddingSettings | false;
  /** How many calls a client may reset on one connection. Default 3000 at once, 1000 a second. */
  resets?: ResetLimits;
  /** Who this server is, told over weft.peer.v1.PeerService. Default: it does not offer that. */
  identity?: () => Identity;
  /** Run for each call of the routes that is not refused, each within the next. Default none. */
  interceptors?: readonly RouteInterceptor[];
  /** Told of each call of the routes, refused or not. Default: nobody. */
  observer?: CallObserver | undefined;
  /** Default: silent. */
  log?: Log;
}

/**
 * A gRPC server as every Weft process runs it: health, reflection, error details, limits and an
 * orderly stop. An error that is no gRPC status is logged and answered INTERNAL without its text.
 */
export class GrpcServer {
  /** NOT_SERVING until someone says otherwise. */
  readonly health = new HealthState();
  /** Aborts when the server starts to close: long-lived streams end on it. */
  readonly closing: AbortSignal;
  readonly #closer = new AbortController();
  readonly #server: Server;
  readonly #log: Log;
  readonly #shedding: Shedding | undefined;
  readonly #connections = new Set<ServerConnection>();
  readonly #responses: EncodedResponses;
  #inFlight = 0;

  constructor({
    routes,
    descriptorSets = [],
    transport = {},
    sizeLimits = DEFAULT_SIZE_LIMITS,
    shedding = false,
    resets = CALL_RESET_LIMITS,
    identity,
    interceptors = [],
    observer,
    log = silentLog,
  }: GrpcServerOptions) {
    this.closing = this.#closer.signal;
    this.#log = log;
    this.#responses = new EncodedResponses(sizeLimits, log);
    this.#shedding = shedding === false ? undefined : new Shedding(shedding);
    const interceptor = routeInterceptor({
      definitions: routes.map(({ definition }) => definition),
      refusal: () => this.#shedding?.refusal(),
      sizeLimits,
      interceptors,
      observer,
    });
    installResetLimits();
    installFailedBindClose();
    const defaults = {
      ...serverTransport,
      // The middleware that encodes responses applies the limit for sending.
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': sizeLimits.maxReceiveMessageBytes,
      [RESET_LIMITS_KEY]: resets,
      [CLOSE_FAILED_BIND_KEY]: true,
      [SESSION_LISTENER_KEY]: this.#connected,
    };
    this.#server = createServer({ ...defaults, ...transport, interceptors: [interceptor] })
      .use(this.#track())
      .use(this.#responses.middleware())
      .use(errorDetailsServerMiddleware);
    const own: Route[] = [];
    if (identity !== undefined) own.push(route(PeerServiceDefinition, peerService(identity)));
    this.#addAll([...routes, ...own], reflectedContracts(descriptorSets));
  }

  /** Calls being answered now, health and reflection included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Listens on `host:port`; port 0 takes a free one.
   * @returns the port
   * @throws Error if it cannot listen; the server is closed then
   */
  async listen(address: string): Promise<number> {
    try {
      const port = await this.#server.listen(address);
      this.#shedding?.start();
      return port;
    } catch (error) {
      this.#closer.abort();
      this.#server.forceShutdown();
      throw error;
    }
  }

  /**
   * Stops: turns NOT_SERVING, notifies the handlers of open calls (`closing`), and lets calls in flight
   * finish. Calls that are still open after `graceMs` (default 30,000) are cut off and logged.
   *
   * @returns whether all calls finished by themselves
   */
  async close(graceMs = 30_000): Promise<boolean> {
    this.health.setAll(ServingStatus.NOT_SERVING);
    this.#closer.abort();
    for (const connection of this.#connections) {
      // The rest of the grace is for calls that begin meanwhile.
      connection.postponeMs = Math.min(connection.postponeMs, graceMs / 2);
      // gRPC passes over connections that their clients have begun to close.
      connection.notifyClosing();
    }
    const { promise: timedOut, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(resolve, graceMs, false);
    const finished = this.#server.shutdown().then(() => true as const);
    const isClean = await Promise.race([finished, timedOut]);
    clearTimeout(timer);
    this.#shedding?.stop();
    if (!isClean) {
      const calls: Record<string, number> = {};
      for (const connection of this.#connections) {
        for (const [path, count] of connection.calls) calls[path] = (calls[path] ?? 0) + count;
      }
      this.#connections.clear();
      this.#log.warn({ calls, graceMs }, 'calls were cut off at the end of the grace');
      this.#server.forceShutdown();
    }
    return isClean;
  }

  readonly #connected: SessionListener = (session, socket) => {
    const connection = new ServerConnection(session, socket, (peer, calls) => {
      // At the end of the grace, one line tells of all connections.
      if (!this.#connections.has(connection)) return;
      this.#log.warn(
        { peer, calls: Object.fromEntries(calls) },
        'calls were cut off: their client does not respond, or their connection is too old',
      );
    });
    this.#connections.add(connection);
    session.once('close', () => this.#connections.delete(connection));
  };

  /** Adds `routes`, health of each of them, and reflection of all. */
  #addAll(routes: readonly Route[], descriptors: FileRegistry): void {
    const services = routes.map(({ definition }) => definition.fullName);
    for (const { definition, implementation } of routes) this.#add(definition, implementation);
    for (const service of services) this.health.set(service, ServingStatus.NOT_SERVING);
    const own = [HealthDefinition, ServerReflectionDefinition, ServerReflectionAlphaDefinition];
    const reflection = reflectionService(
      descriptors,
      [...services, ...own.map(({ fullName }) => fullName)].sort(),
      this.closing,
    );
    this.#add(HealthDefinition, healthService(this.health, this.closing));
    this.#add(ServerReflectionDefinition, reflection);
    this.#add(ServerReflectionAlphaDefinition, reflection);
  }

  #add(definition: TsProtoServiceDefinition, implementation: unknown): void {
    const { present, missing } = splitMethods(definition, implementation);
    if (missing.length > 0) {
      this.#log.warn(
        { service: definition.fullName, methods: missing },
        'methods without a handler: calls of them return UNIMPLEMENTED',
      );
    }
    this.#server.add(
      this.#responses.definitionOf({ ...definition, methods: present }),
      implementation as ServiceImplementation<TsProtoServiceDefinition>,
    );
  }

  /** Counts calls and keeps unexpected errors from the caller. */
  #track(): ServerMiddleware {
    const server = this;
    return async function* track(call, context) {
      server.#inFlight += 1;
      try {
        return yield* call.next(call.request, context);
      } catch (error) {
        if (error instanceof ServerError || isAbortError(error)) throw error;
        server.#log.error({ err: error, method: call.method.path }, 'a handler threw');
        throw new ServerError(Status.INTERNAL, `${call.method.path} failed; see the server's log`);
      } finally {
        server.#inFlight -= 1;
      }
    };
  }
}
