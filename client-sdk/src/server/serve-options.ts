import { randomUUID } from 'node:crypto';
import {
  hostProblem,
  IDENTITY_KEY,
  IDENTITY_VERSION,
  type Identity,
  type Route,
} from '@weft/proto';
import { type HealthCheck, type Instance, InstanceType } from '@weft/proto/registry';
import { ConfigError } from '../errors.ts';
import { fromEnvironment, inDigits } from '../policy/environment.ts';
import { newInstance, slotLabel } from './new-instance.ts';
import { readServeOptions, serveFields } from './serve-fields.ts';
import { type ResolvedLimits, resolveServeLimits, type ServeLimits } from './serve-limits.ts';

export interface ServeOptions extends ServeLimits {
  /** Name of the service: a DNS label such as `user-service`. */
  name: string;
  /**
   * The gRPC services that it offers: `route(UserServiceDefinition, handlers)`, one or more. If a handler
   * is missing, a call of its method returns UNIMPLEMENTED.
   */
  routes: readonly Route[];
  /** Address to listen on. Default $WEFT_HOST, else 127.0.0.1. */
  host?: string;
  /** Port to listen on; 0 takes a free one. Default $WEFT_PORT, else 0. */
  port?: number;
  /**
   * Host at which clients reach it, if not `host`: a name or an IP address, no wildcard or link-local one.
   * Default $WEFT_ADVERTISE_HOST, else `host`.
   */
  advertiseHost?: string;
  /**
   * Port at which clients reach it, from 1 to 65,535, if not the port it listens on. A container whose port
   * is published under another number needs it. Default $WEFT_ADVERTISE_PORT, else the port it listens on.
   */
  advertisePort?: number;
  /** Id of this instance, unique within the service. Default $WEFT_INSTANCE_ID, else random. */
  id?: string;
  /**
   * Name of the place that this instance fills, the same after each restart and unique within the service, such as
   * `user-service-1` or the name of a StatefulSet's pod; 1 to 128 characters. `consistent_hash` and subsets go by
   * it, so that a restart moves no keys. Default $WEFT_SLOT, which `weft up` sets, else none: they go by the id.
   */
  slot?: string;
  /** Kind of service. Default API. */
  type?: InstanceType;
  /** Version of the program. Default none. */
  version?: string;
  /** Where it stands. Default $WEFT_ZONE, else none. */
  zone?: string;
  /** Share of the traffic against its siblings; 0 drains. Default 1. */
  weight?: number;
  /**
   * Free labels. Those that start with `weft.` are Weft's own. `metrics` is set to the address of the
   * metrics, `advertiseHost:metricsPort`, unless it is given here.
   */
  metadata?: Readonly<Record<string, string>>;
  /** Names of the services it calls, at most 64. */
  dependencies?: readonly string[];
  /** Time to live of its lease, in whole seconds from 2 to 3600. Default 10. */
  ttlSeconds?: number;
  /**
   * Longest time for calls in flight when the service stops, in ms. Default 30,000. The time until all
   * clients route calls elsewhere counts, but the last calls have 2000 ms in any case. Once all clients
   * route calls elsewhere, the handlers of open calls see `closing`. Calls that are open at the end are
   * cut off and logged.
   */
  drainMs?: number;
  /**
   * How long, when stopping, to wait at most for clients to route calls elsewhere, in ms. The registry
   * tells who has yet to: with prompt clients it takes some tens of ms. Default 30,000.
   */
  acknowledgeMs?: number;
  /** How long to go on serving instead when no registry can tell, in ms. Default 300. */
  settleMs?: number;
  /**
   * Whether the registry is to watch over its health for as long as it is listed, by grpc.health.v1: of
   * the server as a whole, or of one service on it. While it fails, clients call others. Default false.
   */
  healthCheck?: boolean | { service: string };
  /**
   * Port that Prometheus reads `GET /metrics` at, on `host`; 0 takes a free one. The registry's `GET /sd`
   * tells Prometheus of it, from the label `metrics`. Default $WEFT_METRICS_PORT, else none: nothing is
   * measured then.
   */
  metricsPort?: number;
  /**
   * Compiled contracts of the routes with all their imports, for reflection: what `buf build -o` and
   * `protoc --include_imports -o` write. Default: only Weft's own contracts, which are always there.
   */
  descriptorSets?: readonly Uint8Array[];
  /**
   * Whether SIGTERM, SIGINT and SIGHUP (a closed terminal) close it and then end the process with code 0.
   * Signals within one second count as one; a later one ends the process at once with code 1. Default true.
   */
  handleSignals?: boolean;
  /** Runs when all calls have ended, before `close` resolves: close databases and timers here. */
  onClose?: () => void | Promise<void>;
  /**
   * How long `onClose` may take, in ms. After that `close` rejects and the process ends without it. Default 5000.
   */
  onCloseTimeoutMs?: number;
}

/** Options with every default filled in. */
export interface ServeConfig
  extends Required<
    Omit<
      ServeOptions,
      | keyof ServeLimits
      | 'onClose'
      | 'metadata'
      | 'zone'
      | 'slot'
      | 'healthCheck'
      | 'metricsPort'
      | 'advertisePort'
    >
  > {
  readonly limits: ResolvedLimits;
  readonly zone: string;
  readonly healthCheck: HealthCheck | undefined;
  readonly metricsPort: number | undefined;
  readonly advertisePort: number | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly onClose: () => void | Promise<void>;
}

/** @throws ConfigError if clients cannot reach `host`, which no `advertiseHost` replaces */
function checkReachable(host: string): void {
  const problem = hostProblem(host);
  if (problem === undefined) return;
  throw new ConfigError('advertiseHost', `${problem}; host is used, as advertiseHost is not set`);
}

function healthCheckOf(option: ServeOptions['healthCheck']): HealthCheck | undefined {
  if (typeof option === 'object') return { service: option.service };
  return option === true ? { service: '' } : undefined;
}

/**
 * Fills in defaults, some from the environment. The caller's object is neither kept nor changed.
 * @throws ConfigError naming every option that cannot be used
 */
export function resolveServeOptions(options: ServeOptions): ServeConfig {
  const read = readServeOptions(options);
  const host = read.host ?? fromEnvironment('WEFT_HOST', serveFields.host) ?? '127.0.0.1';
  const advertiseHost =
    read.advertiseHost ?? fromEnvironment('WEFT_ADVERTISE_HOST', serveFields.advertiseHost) ?? host;
  checkReachable(advertiseHost);
  return {
    name: read.name,
    routes: read.routes,
    host,
    port: read.port ?? fromEnvironment('WEFT_PORT', inDigits(serveFields.port)) ?? 0,
    advertiseHost,
    advertisePort:
      read.advertisePort ??
      fromEnvironment('WEFT_ADVERTISE_PORT', inDigits(serveFields.advertisePort)),
    id: read.id ?? fromEnvironment('WEFT_INSTANCE_ID', serveFields.id) ?? randomUUID(),
    type: read.type ?? InstanceType.INSTANCE_TYPE_API,
    version: read.version ?? '',
    zone: read.zone ?? fromEnvironment('WEFT_ZONE', serveFields.zone) ?? '',
    weight: read.weight ?? 1,
    limits: resolveServeLimits(read),
    metadata: new Map([
      ...Object.entries(read.metadata ?? {}),
      [IDENTITY_KEY, IDENTITY_VERSION] as const,
      ...slotLabel(read.slot ?? fromEnvironment('WEFT_SLOT', serveFields.slot)),
    ]),
    dependencies: read.dependencies ?? [],
    ttlSeconds: read.ttlSeconds ?? 10,
    drainMs: read.drainMs ?? 30_000,
    acknowledgeMs: read.acknowledgeMs ?? 30_000,
    settleMs: read.settleMs ?? 300,
    healthCheck: healthCheckOf(read.healthCheck),
    metricsPort:
      read.metricsPort ?? fromEnvironment('WEFT_METRICS_PORT', inDigits(serveFields.metricsPort)),
    descriptorSets: read.descriptorSets ?? [],
    handleSignals: read.handleSignals ?? true,
    onClose: read.onClose ?? (() => {}),
    onCloseTimeoutMs: read.onCloseTimeoutMs ?? 5000,
  };
}

/** The label that tells where an instance's metrics are. */
const METRICS_LABEL = 'metrics';

/**
 * The record under which a service that listens on `port` is registered.
 * @param metrics `host:port` of its metrics; undefined when it has none
 */
export function instanceOf(config: ServeConfig, port: number, metrics?: string): Instance {
  const metadata = new Map(config.metadata);
  if (metrics !== undefined && !metadata.has(METRICS_LABEL)) metadata.set(METRICS_LABEL, metrics);
  return newInstance({
    id: config.id,
    service: config.name,
    address: { host: config.advertiseHost, port: config.advertisePort ?? port },
    type: config.type,
    version: config.version,
    zone: config.zone,
    weight: config.weight,
    metadata,
    dependencies: [...config.dependencies],
    healthCheck: config.healthCheck,
  });
}

/** What it answers to whoever asks who it is. */
export function identityOf({ service, id, incarnation }: Instance): Identity {
  return { service, instanceId: id, incarnation };
}
