import { addressText, GrpcServer, type Log, messageOf, ServingStatus } from '@weft/proto';
import type { Instance } from '@weft/proto/registry';
import type { RegistryConnection } from '../discovery/registry-connection.ts';
import { WeftError } from '../errors.ts';
import type { MetricsServer } from '../metrics/metrics-server.ts';
import type { MeasuredService } from '../metrics/service-metrics.ts';
import { leaveCalls } from '../registration/leave-calls.ts';
import { Registrar } from '../registration/registrar.ts';
import { callContextInterceptor } from './call-context-interceptor.ts';
import { type LifecycleStatus, listedStatus, transition } from './lifecycle.ts';
import { transportOf } from './serve-limits.ts';
import { identityOf, instanceOf, type ServeConfig } from './serve-options.ts';
import { closeOnSignals } from './signals.ts';

/** How long the last calls get at least, in ms: the deadline that calls have by default. */
const LEAST_DRAIN_MS = 2000;

/** gRPC tells why only in the text of its error. */
function listenAdvice({ message }: Error): string {
  if (message.includes('EADDRINUSE')) return 'free the port or choose another';
  if (message.includes('EACCES')) return 'choose a port that this user may listen on, from 1024';
  return 'choose a host that is an address of this machine';
}

/** Answers where others reach the metrics. @throws WeftError LISTEN_FAILED; the server is closed then */
async function listenForMetrics(
  metrics: MetricsServer,
  { name, host, advertiseHost, metricsPort = 0 }: ServeConfig,
  server: GrpcServer,
): Promise<string> {
  try {
    const port = await metrics.listen(host, metricsPort);
    return addressText({ host: advertiseHost, port });
  } catch (error) {
    await server.close(0);
    throw new WeftError('LISTEN_FAILED', `${name}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * One offered service, from listening to having left: the base of every microservice of the mesh.
 *
 * It listens, turns SERVING and only then registers; registering goes on in the background, so that
 * it starts and answers its own health while the registry is away.
 */
export class ServiceHost {
  readonly #config: ServeConfig;
  readonly #server: GrpcServer;
  readonly #registrar: Registrar;
  readonly #registry: RegistryConnection;
  readonly #metrics: MetricsServer | undefined;
  readonly #log: Log;
  readonly #stopListening: () => void;
  #status: LifecycleStatus = 'STARTING';
  #closing: Promise<void> | undefined;

  private constructor(
    config: ServeConfig,
    server: GrpcServer,
    registrar: Registrar,
    registry: RegistryConnection,
    metrics: MetricsServer | undefined,
    log: Log,
  ) {
    this.#config = config;
    this.#server = server;
    this.#registrar = registrar;
    this.#registry = registry;
    this.#metrics = metrics;
    this.#log = log;
    this.#stopListening = config.handleSignals ? closeOnSignals(() => this.close(), log) : () => {};
  }

  /**
   * @param measure makes what shows its metrics; undefined: they are not measured
   * @throws WeftError LISTEN_FAILED when a port is taken or the host is not of this machine
   */
  static async start(
    config: ServeConfig,
    registry: RegistryConnection,
    log: Log,
    measure?: (read: () => MeasuredService, hosts: readonly string[]) => MetricsServer,
  ): Promise<ServiceHost> {
    const { routes, descriptorSets, limits, host, port, ttlSeconds } = config;
    const metrics = measure?.(() => serviceHost, [host, config.advertiseHost]);
    const server = new GrpcServer({
      routes,
      descriptorSets,
      transport: transportOf(limits),
      shedding: limits.shedding,
      sizeLimits: limits.sizeLimits,
      identity: () => identityOf(serviceHost.instance),
      interceptors: [callContextInterceptor(limits.defaultDeadlineMs)],
      observer: metrics?.observer,
      log,
    });
    const listenOn = addressText({ host, port });
    const actualPort = await server.listen(listenOn).catch((error: Error) => {
      throw new WeftError(
        'LISTEN_FAILED',
        `${config.name} cannot listen on ${listenOn}: ${error.message}; ${listenAdvice(error)}`,
        { cause: error },
      );
    });
    const metricsAddress = metrics && (await listenForMetrics(metrics, config, server));
    const instance = instanceOf(config, actualPort, metricsAddress);
    const registrar = new Registrar({ instance, ttlSeconds, registry, log, random: Math.random });
    const serviceHost = new ServiceHost(config, server, registrar, registry, metrics, log);
    server.health.setAll(ServingStatus.SERVING);
    serviceHost.#setStatus('RUNNING');
    registrar.start();
    return serviceHost;
  }

  /** As the registry lists it. */
  get instance(): Instance {
    return this.#registrar.instance;
  }

  /** `host:port` that others reach it by. */
  get address(): string {
    return addressText(this.instance.address);
  }

  /** Whether the registry lists it now, as far as is known here. */
  get isRegistered(): boolean {
    return this.#registrar.isRegistered;
  }

  get status(): LifecycleStatus {
    return this.#status;
  }

  /** Calls being answered now. */
  get inFlight(): number {
    return this.#server.inFlight;
  }

  /**
   * Resolves once the registry has listed it. Rejects if it is closed before, if the registry refuses it, or
   * with WeftError INSTANCE_EXISTS if another instance holds its id for two TTLs, 30 s at most. Registering
   * goes on all the same.
   */
  registered(): Promise<Instance> {
    return this.#registrar.registered();
  }

  /** Says that it cannot serve for now: NOT_SERVING, and ERROR in the registry, so that no calls come. */
  async markError(reason: string): Promise<void> {
    this.#log.error({ service: this.#config.name, reason }, 'service cannot serve');
    await this.#setServing('ERROR', ServingStatus.NOT_SERVING);
  }

  /** Says that it can serve again after `markError`. */
  async markRunning(): Promise<void> {
    await this.#setServing('RUNNING', ServingStatus.SERVING);
  }

  /**
   * Leaves without failing a call: STOPPING in the registry, until all clients route calls elsewhere (at
   * most `acknowledgeMs`), then NOT_SERVING, in-flight calls finish (at most `drainMs`), it deregisters.
   * Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { name, drainMs } = this.#config;
    const startedAt = performance.now();
    this.#setStatus('STOPPING');
    this.#log.info({ service: name, inFlight: this.inFlight }, 'stopping: draining calls');
    await this.#leaveCalls();
    // Calls in flight have had the time meanwhile too; the last to come still get theirs.
    const leftMs = drainMs - (performance.now() - startedAt);
    await this.#server.close(Math.max(leftMs, Math.min(drainMs, LEAST_DRAIN_MS)));
    await this.#registrar.close();
    await this.#metrics?.close();
    try {
      await this.#runOnClose();
    } finally {
      this.#stopListening();
      this.#setStatus('STOPPED');
      this.#log.info({ service: name }, 'stopped');
    }
  }

  /** @throws Error if `onClose` fails or takes too long */
  async #runOnClose(): Promise<void> {
    const { name, onClose, onCloseTimeoutMs } = this.#config;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const message = `onClose of ${name} did not end within ${onCloseTimeoutMs} ms; see onCloseTimeoutMs`;
    const timer = setTimeout(() => reject(new Error(message)), onCloseTimeoutMs);
    try {
      await Promise.race([onClose(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #leaveCalls(): Promise<void> {
    const { acknowledgeMs, settleMs } = this.#config;
    const registrar = this.#registrar;
    const registry = this.#registry;
    return leaveCalls({ registrar, registry, acknowledgeMs, settleMs, log: this.#log });
  }

  async #setServing(status: LifecycleStatus, health: ServingStatus): Promise<void> {
    if (this.#status === status) return;
    this.#setStatus(status);
    this.#server.health.setAll(health);
    await this.#registrar.setStatus(listedStatus(status));
  }

  #setStatus(to: LifecycleStatus): void {
    this.#status = transition(this.#status, to);
  }
}
