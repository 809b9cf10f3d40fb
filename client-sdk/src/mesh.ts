import type { JsonValue } from '@bufbuild/protobuf';
import type { Channel } from '@grpc/grpc-js';
import type { Caller } from '@weft/proto/telemetry';
import {
  type CallOptions,
  type Client,
  createClientFactory,
  type TsProtoServiceDefinition,
} from 'nice-grpc';
import { type BreakerView, breakerView } from './breaker/breaker-view.ts';
import { WindowRotation } from './breaker/window-rotation.ts';
import type { MeshCallOptions } from './call/call-options.ts';
import { type CallSite, siteSettings } from './call/call-site.ts';
import {
  checkClientContract,
  readChannelOptions,
  readClientOptions,
} from './call/client-options.ts';
import { DynamicCaller } from './call/dynamic-caller.ts';
import { errorDetails } from './call/error-details.ts';
import { createMeshClient } from './call/mesh-client.ts';
import { MethodPlans } from './call/method-plans.ts';
import { streamMiddleware } from './call/stream-middleware.ts';
import { type MeshConfig, type MeshOptions, resolveConfig } from './config.ts';
import { type Contract, methodsOf, serviceNameOf } from './contract/contract.ts';
import { createDestination, type Destination } from './destination.ts';
import { RegistryConnection } from './discovery/registry-connection.ts';
import { ServiceDirectory } from './discovery/service-directory.ts';
import { checkServiceName } from './discovery/service-name.ts';
import type { ServiceSnapshot } from './discovery/service-snapshot.ts';
import { closedError } from './errors.ts';
import { stubChannel } from './grpc/mesh-channel.ts';
import { registerMeshLoadBalancer } from './grpc/mesh-load-balancer.ts';
import { registerMeshResolver } from './grpc/mesh-resolver.ts';
import { createMeshEvents, discoveryObserver, type MeshEvents, observerOf } from './mesh-events.ts';
import { checkContractPolicy } from './policy/check-contract-policy.ts';
import type { ContractPolicy } from './policy/contract-policy.ts';
import { BREAKER_WINDOW_MS } from './policy/policy-defaults.ts';
import { checkSitePolicy } from './policy/resolve-policy.ts';
import type { ServicePolicy, SitePolicy } from './policy/service-policy.ts';
import { type RegisterOptions, resolveRegisterOptions } from './server/register-options.ts';
import { Registration } from './server/registration.ts';
import { resolveServeOptions, type ServeOptions } from './server/serve-options.ts';
import { ServiceHost } from './server/service-host.ts';
import { leaveOnSignals } from './server/signals.ts';
import { AttemptCounters } from './telemetry/attempt-counters.ts';
import { callerText, clientName } from './telemetry/caller.ts';
import { Reporter } from './telemetry/reporter.ts';
import { sendReport } from './telemetry/send-report.ts';
import { TrafficCounter } from './telemetry/traffic-counter.ts';

/** How long the first discovery of a service, and reflection, may take, in ms. */
const FIRST_ANSWER_MS = 5000;

/** What a channel may be asked to do otherwise; only contracts of ts-proto tell it by their type. */
type ChannelPolicy<Definition extends Contract> = Definition extends TsProtoServiceDefinition
  ? ContractPolicy<Definition>
  : SitePolicy;

/**
 * This process's part in the mesh: discovers services, balances calls over their instances with a
 * breaker for each, and offers services of its own. Make one per process; `close` it at the end.
 */
export class Mesh {
  /** Tells what becomes of the instances that are called, and when the registry is not believed. */
  readonly events: MeshEvents = createMeshEvents();
  readonly #config: MeshConfig;
  readonly #registry: RegistryConnection;
  readonly #directory: ServiceDirectory;
  readonly #rotation = new WindowRotation(BREAKER_WINDOW_MS);
  readonly #plans = new MethodPlans();
  readonly #destinations = new Map<string, Destination>();
  readonly #streams = createClientFactory().use(errorDetails).use(streamMiddleware);
  readonly #caller: DynamicCaller;
  readonly #counters = new AttemptCounters();
  readonly #reporter: Reporter | undefined;
  /** Who this process is to the registry: the instance that it offers, if it offers one. */
  #self: Caller = { service: '', instanceId: clientName() };
  /** Takes back that a signal closes the watches before it ends the process. */
  readonly #stopLeavingOnSignals: () => void;
  #isClosed = false;

  constructor(options: MeshOptions) {
    this.#config = resolveConfig(options);
    const { registry, discoveryTtlMs, telemetryIntervalMs, discovery, log } = this.#config;
    registerMeshResolver();
    registerMeshLoadBalancer();
    this.#registry = new RegistryConnection(registry, Math.random);
    this.#directory = new ServiceDirectory({
      registry: this.#registry,
      ttlMs: discoveryTtlMs,
      timeoutMs: FIRST_ANSWER_MS,
      client: () => callerText(this.#self),
      protectedShare: discovery.protectedShare,
      observer: discoveryObserver(this.events, log),
      log,
    });
    this.#stopLeavingOnSignals = leaveOnSignals(() => this.#directory.close());
    this.#caller = new DynamicCaller({
      plans: this.#plans,
      siteOf: (service) => this.#site(service),
      timeoutMs: FIRST_ANSWER_MS,
      ttlMs: discoveryTtlMs,
    });
    if (telemetryIntervalMs === undefined) return;
    const counter = new TrafficCounter();
    this.#counters.traffic = counter;
    this.#reporter = new Reporter({
      counter,
      events: this.events,
      breakers: () => this.breakers(),
      caller: () => this.#self,
      intervalMs: telemetryIntervalMs,
      send: (report) => sendReport(this.#registry, report),
    });
  }

  /**
   * A typed client of a generated contract. Unary calls have a deadline (`timeoutMs`, by default
   * `defaultDeadlineMs`); methods that the contract marks idempotent are retried on another instance.
   *
   * @param options.service who offers it; by default `UserService` is offered by `user-service`
   * @param options.policy what this call site does otherwise than the policy of the service
   * @throws ConfigError naming what cannot be used, of the policy too; WeftError MESH_CLOSED
   */
  client<Definition extends TsProtoServiceDefinition>(
    contract: Definition,
    options: { service?: string; policy?: ContractPolicy<NoInfer<Definition>> } = {},
  ): Client<Definition, MeshCallOptions> {
    checkClientContract(contract);
    const { service = serviceNameOf(contract), policy } = readClientOptions(options);
    this.#plans.learn(methodsOf(contract));
    const site = this.#site(service, policy as SitePolicy | undefined, contract);
    return createMeshClient(contract, site, this.#streams.create(contract, site.stub));
  }

  /**
   * The channel to a service, for any grpc-js stub: `new Stub('', null, { channelOverride: channel })`.
   *
   * @param options.contract lets it know which methods are unary (they get a default deadline) and
   *   which are idempotent (they are retried); without it calls have neither
   * @param options.policy what this call site does otherwise than the policy of the service; typed by
   *   a contract that ts-proto generated, checked here by any
   * @throws ConfigError naming what of the policy cannot be used
   */
  channel<Definition extends Contract>(
    service: string,
    options: { contract?: Definition; policy?: ChannelPolicy<NoInfer<Definition>> } = {},
  ): Channel {
    const { contract, policy } = readChannelOptions(options);
    if (contract !== undefined) this.#plans.learn(methodsOf(contract));
    return this.#site(service, policy, contract).stub;
  }

  /**
   * The instances of a service as known now; from memory once asked, kept current by a watch.
   * @throws WeftError REGISTRY_UNAVAILABLE when nothing is known and the registry does not answer
   */
  discover(service: string): Promise<ServiceSnapshot> {
    return this.#directory.discover(service);
  }

  /**
   * Calls a unary method by name, with the request and response in protobuf's JSON form. The service
   * describes its contract over reflection, v1 or v1alpha. For tools: `mesh.client` is typed and faster.
   *
   * @param method `CreateUser`, or `user.v1.UserService/CreateUser`
   * @param options metadata, deadline and so on, as those of `mesh.client`
   * @param request write 64-bit integers as strings, as JavaScript numbers hold 53 bits
   * @returns the response. A part that has no JSON form is printed by its fields: an Any of an unknown
   *   type as `@type` and its `value` in base64.
   * @throws WeftError METHOD_NOT_FOUND, NOT_UNARY, INVALID_REQUEST or REFLECTION_FAILED; ClientError if
   *   the call fails
   */
  call(
    service: string,
    method: string,
    request: JsonValue = {},
    options: CallOptions & MeshCallOptions = {},
  ): Promise<JsonValue> {
    return this.#caller.call(service, method, request, options);
  }

  /**
   * The unary methods that a service offers, `user.v1.UserService/CreateUser`, by reflection. For tools.
   * @throws WeftError REFLECTION_FAILED; ClientError when it cannot be asked
   */
  methods(service: string): Promise<string[]> {
    return this.#caller.methods(service);
  }

  /** The breakers of all instances that this process calls now. */
  breakers(): BreakerView[] {
    return [...this.#destinations].flatMap(([service, { balancer }]) =>
      [...balancer.endpoints].map((endpoint) => breakerView(service, endpoint)),
    );
  }

  /**
   * Changes the policy of a service from now on. It is taken whole or, when any of it cannot be used,
   * not at all: what was in force stays in force. A method that none of the contracts in use has is
   * warned of in the log.
   * @throws ConfigError naming every setting that cannot be used; WeftError MESH_CLOSED
   */
  configure(service: string, policy: ServicePolicy): void {
    if (this.#isClosed) throw closedError();
    const { policies, log } = this.#config;
    for (const warning of policies.set(service, policy)) log.warn({ service }, warning);
    this.#destinations.get(service)?.setPolicy(policies.policyOf(service));
  }

  /**
   * Offers a service: listens, turns SERVING, registers, and stays registered until closed.
   * @throws ConfigError; WeftError LISTEN_FAILED or MESH_CLOSED
   */
  async serve(options: ServeOptions): Promise<ServiceHost> {
    if (this.#isClosed) throw closedError();
    const config = resolveServeOptions(options);
    const measure = config.metricsPort === undefined ? undefined : await this.#measuring();
    const host = await ServiceHost.start(config, this.#registry, this.#config.log, measure);
    if (this.#isClosed) {
      await host.close();
      throw closedError();
    }
    if (this.#self.service === '') this.#self = { service: config.name, instanceId: config.id };
    return host;
  }

  /**
   * Registers a program that listens by itself: a server in this process that is not `serve`'s, or a program
   * in any language that this process watches over. It stays registered until closed.
   * @throws ConfigError; WeftError MESH_CLOSED
   */
  register(options: RegisterOptions): Registration {
    if (this.#isClosed) throw closedError();
    const config = resolveRegisterOptions(options);
    return new Registration(config, this.#registry, this.#config.log);
  }

  /** Closes channels and watches. Services offered through it are closed on their own, before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reporter?.close();
    for (const destination of this.#destinations.values()) destination.close();
    this.#destinations.clear();
    this.#stopLeavingOnSignals();
    this.#rotation.close();
    void this.#directory.close().then(() => this.#registry.close());
    this.events.removeAllListeners();
  }

  /** What shows the metrics of an offered service. Its library is loaded only here. */
  async #measuring() {
    const { measuring } = await import('./metrics/measuring.ts');
    const callees = () =>
      [...this.#destinations.values()].map(({ balancer: { service, size, inFlight } }) => ({
        service,
        instances: size,
        inFlight,
      }));
    const typeOf = (path: string) => this.#plans.traitsOf(path)?.type;
    const breakers = () => this.breakers();
    const options = { events: this.events, breakers, callees, typeOf };
    return measuring(this.#counters, options, this.#config.log);
  }

  #destination(service: string): Destination {
    if (this.#isClosed) throw closedError();
    const known = this.#destinations.get(service);
    if (known !== undefined) return known;
    checkServiceName(service);
    const { zone, clientId, log } = this.#config;
    const destination = createDestination({
      service,
      policy: this.#config.policies.policyOf(service),
      directory: this.#directory,
      rotation: this.#rotation,
      plans: this.#plans,
      observer: observerOf(service, this.events, log),
      counter: this.#counters,
      log,
      zone,
      clientId,
    });
    this.#destinations.set(service, destination);
    return destination;
  }

  /** How one place in a program calls a service. */
  #site(service: string, policy?: SitePolicy, contract?: Contract): CallSite {
    const { policies, log } = this.#config;
    const { channel, balancer } = this.#destination(service);
    const own =
      policy &&
      (contract === undefined ? checkSitePolicy(policy) : checkContractPolicy(contract, policy));
    const settings = own && siteSettings(policies, service, own);
    if (contract !== undefined) {
      for (const warning of policies.learn(service, contract)) log.warn({ service }, warning);
    }
    if (settings?.policy !== undefined) balancer.prepare(settings.policy);
    const planOf = (path: string) => this.#plans.of(settings?.policy ?? balancer.policy, path);
    return { channel, stub: stubChannel(channel, planOf, settings), settings, planOf };
  }
}

/** Joins the mesh. @throws ConfigError naming a setting that cannot be used */
export function createMesh(options: MeshOptions = {}): Mesh {
  return new Mesh(options);
}
