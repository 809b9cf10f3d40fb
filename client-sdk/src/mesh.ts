import type { JsonValue } from '@bufbuild/protobuf';
import type { Channel } from '@grpc/grpc-js';
import { type Client, createClientFactory, type TsProtoServiceDefinition } from 'nice-grpc';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { Balancer } from './balancer/balancer.ts';
import { registerMeshLoadBalancer } from './balancer/mesh-load-balancer.ts';
import { createStrategy } from './balancer/strategies.ts';
import { Breaker } from './breaker/breaker.ts';
import { WindowRotation } from './breaker/window-rotation.ts';
import { CallPolicy, retryThrottling } from './call/call-policy.ts';
import { DynamicCaller } from './call/dynamic-caller.ts';
import { openChannel, stubChannel } from './call/mesh-channel.ts';
import { MethodTable } from './call/method-table.ts';
import { type MeshCallOptions, timeoutMiddleware } from './call/timeout-middleware.ts';
import { type MeshConfig, type MeshOptions, resolveConfig } from './config.ts';
import { type Contract, methodsOf, serviceNameOf } from './contract/contract.ts';
import { RegistryConnection } from './discovery/registry-connection.ts';
import { ServiceDirectory } from './discovery/service-directory.ts';
import { checkServiceName } from './discovery/service-name.ts';
import type { ServiceSnapshot } from './discovery/service-snapshot.ts';
import { closedError } from './errors.ts';
import { registerMeshResolver } from './resolver/mesh-resolver.ts';
import { resolveServeOptions, type ServeOptions } from './server/serve-options.ts';
import { ServiceHost } from './server/service-host.ts';

/** How long the first discovery of a service, and reflection, may take, in ms. */
const FIRST_ANSWER_MS = 5000;

/** One service as this process calls it: one channel over one balancer, whoever asks. */
interface Destination {
  readonly channel: Channel;
  readonly balancer: Balancer;
}

/**
 * This process's part in the mesh: discovers services, balances calls over their instances with a
 * breaker for each, and offers services of its own. Make one per process; `close` it at the end.
 */
export class Mesh {
  readonly #config: MeshConfig;
  readonly #registry: RegistryConnection;
  readonly #directory: ServiceDirectory;
  readonly #rotation: WindowRotation;
  readonly #methods = new MethodTable();
  readonly #destinations = new Map<string, Destination>();
  readonly #clients;
  readonly #caller: DynamicCaller;
  #isClosed = false;

  constructor(options: MeshOptions) {
    this.#config = resolveConfig(options);
    const { registry, discoveryTtlMs, defaultDeadlineMs, breaker, log } = this.#config;
    registerMeshResolver();
    registerMeshLoadBalancer();
    this.#registry = new RegistryConnection(registry, Math.random);
    this.#directory = new ServiceDirectory({
      registry: this.#registry,
      ttlMs: discoveryTtlMs,
      timeoutMs: FIRST_ANSWER_MS,
      log,
    });
    this.#rotation = new WindowRotation(breaker.windowMs);
    this.#clients = createClientFactory()
      .use(timeoutMiddleware(defaultDeadlineMs))
      .use(errorDetailsClientMiddleware);
    this.#caller = new DynamicCaller({
      clients: this.#clients,
      methods: this.#methods,
      channelOf: (service) => this.#destination(service).channel,
      timeoutMs: FIRST_ANSWER_MS,
      ttlMs: discoveryTtlMs,
    });
  }

  /**
   * A typed client of a generated contract. Unary calls have a deadline (`timeoutMs`, by default
   * `defaultDeadlineMs`); methods that the contract marks idempotent are retried on another instance.
   *
   * @param options.service who offers it; by default `UserService` is offered by `user-service`
   */
  client<Definition extends TsProtoServiceDefinition>(
    contract: Definition,
    { service = serviceNameOf(contract) }: { service?: string } = {},
  ): Client<Definition, MeshCallOptions> {
    this.#methods.learn(methodsOf(contract));
    return this.#clients.create(contract, this.#destination(service).channel);
  }

  /**
   * The channel to a service, for any grpc-js stub: `new Stub('', null, { channelOverride: channel })`.
   *
   * @param options.contract lets it know which methods are unary (they get a default deadline) and
   *   which are idempotent (they are retried); without it calls have neither
   */
  channel(service: string, { contract }: { contract?: Contract } = {}): Channel {
    if (contract !== undefined) this.#methods.learn(methodsOf(contract));
    const { channel } = this.#destination(service);
    return stubChannel(channel, this.#methods, this.#config.defaultDeadlineMs);
  }

  /**
   * The instances of a service as known now; from memory once asked, kept current by a watch.
   * @throws WeftError REGISTRY_UNAVAILABLE when nothing is known and the registry does not answer
   */
  discover(service: string): Promise<ServiceSnapshot> {
    return this.#directory.discover(service);
  }

  /**
   * Calls a unary method by name, with the request and response in protobuf's JSON form; the contract
   * is learnt from the service by reflection. For tools: `mesh.client` is typed and faster.
   *
   * @param method `CreateUser`, or `user.v1.UserService/CreateUser`
   * @throws WeftError METHOD_NOT_FOUND, NOT_UNARY or INVALID_REQUEST; ClientError when the call fails
   */
  call(
    service: string,
    method: string,
    request: JsonValue = {},
    options: MeshCallOptions = {},
  ): Promise<JsonValue> {
    return this.#caller.call(service, method, request, options);
  }

  /**
   * Offers a service: listens, turns SERVING, registers, and stays registered until closed.
   * @throws ConfigError; WeftError LISTEN_FAILED or MESH_CLOSED
   */
  async serve(options: ServeOptions): Promise<ServiceHost> {
    if (this.#isClosed) throw closedError();
    return ServiceHost.start(resolveServeOptions(options), this.#registry, this.#config.log);
  }

  /** Closes channels and watches. Services offered through it are closed on their own, before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { channel, balancer } of this.#destinations.values()) {
      channel.close();
      balancer.close();
    }
    this.#destinations.clear();
    this.#directory.close();
    this.#rotation.close();
    this.#registry.close();
  }

  #destination(service: string): Destination {
    if (this.#isClosed) throw closedError();
    const known = this.#destinations.get(service);
    if (known !== undefined) return known;
    checkServiceName(service);
    const { strategy, breaker } = this.#config;
    const balancer = new Balancer({
      service,
      strategy: createStrategy(strategy, { now: () => performance.now(), random: Math.random }),
      createBreaker: (onChange) => new Breaker(breaker, this.#rotation.emitter, onChange),
    });
    const channel = openChannel(service, {
      directory: this.#directory,
      balancer,
      callPolicy: new CallPolicy(this.#methods),
      retryThrottling,
    });
    const destination = { channel, balancer };
    this.#destinations.set(service, destination);
    return destination;
  }
}

/** Joins the mesh. @throws ConfigError naming a setting that cannot be used */
export function createMesh(options: MeshOptions = {}): Mesh {
  return new Mesh(options);
}
