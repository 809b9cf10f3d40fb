import { randomUUID } from 'node:crypto';
import {
  IDENTITY_KEY,
  IDENTITY_VERSION,
  type Identity,
  INSTANCE_ID,
  type Route,
} from '@weft/proto';
import { type Instance, InstanceStatus, InstanceType } from '@weft/proto/registry';
import { checkServiceName } from '../discovery/service-name.ts';
import { ConfigError } from '../errors.ts';
import { type ResolvedLimits, resolveServeLimits, type ServeLimits } from './serve-limits.ts';
import { checkRange, LONGEST_TIMER_MS } from './setting-checks.ts';

export interface ServeOptions extends ServeLimits {
  /** Name of the service: a DNS label such as `user-service`. */
  name: string;
  /** What it answers: `route(UserServiceDefinition, handlers)`, one or more. */
  routes: readonly Route[];
  /** Address to listen on. Default $WEFT_HOST, else 127.0.0.1. */
  host?: string;
  /** Port to listen on; 0 takes a free one. Default $WEFT_PORT, else 0. */
  port?: number;
  /** Host that others reach it by, if not `host`. Default $WEFT_ADVERTISE_HOST, else `host`. */
  advertiseHost?: string;
  /** Id of this instance, unique within the service. Default $WEFT_INSTANCE_ID, else random. */
  id?: string;
  /** Kind of service. Default API. */
  type?: InstanceType;
  /** Version of the program. Default none. */
  version?: string;
  /** Where it stands. Default $WEFT_ZONE, else none. */
  zone?: string;
  /** Share of the traffic against its siblings; 0 drains. Default 1. */
  weight?: number;
  /** Free labels. Those that start with `weft.` are Weft's own. */
  metadata?: Readonly<Record<string, string>>;
  /** Names of the services it calls. */
  dependencies?: readonly string[];
  /** Time to live of its lease, in seconds. Default 10. */
  ttlSeconds?: number;
  /** Longest wait for in-flight calls when stopping, in ms. Default 30,000. */
  drainMs?: number;
  /**
   * How long to go on serving after the registry lists it as STOPPING, so that every client has seen
   * it before calls are refused, in ms. Default 300.
   */
  settleMs?: number;
  /** Compiled contracts of the routes, for reflection; Weft's own are always there. */
  descriptorSets?: readonly Uint8Array[];
  /**
   * Whether SIGTERM and SIGINT close it and then end the process with code 0; a second signal ends
   * it at once with code 1. Default true.
   */
  handleSignals?: boolean;
  /** Runs when all calls have ended, before `close` resolves: close databases and timers here. */
  onClose?: () => void | Promise<void>;
}

/** Options with every default filled in. */
export interface ServeConfig
  extends Required<Omit<ServeOptions, keyof ServeLimits | 'onClose' | 'metadata' | 'zone'>> {
  readonly limits: ResolvedLimits;
  readonly zone: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly onClose: () => void | Promise<void>;
}

/** Fills in defaults from the environment. @throws ConfigError */
export function resolveServeOptions(options: ServeOptions): ServeConfig {
  const env = process.env;
  const port = options.port ?? Number(env.WEFT_PORT ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError(
      options.port === undefined ? '$WEFT_PORT' : 'port',
      'a port from 0 to 65535',
      options.port ?? env.WEFT_PORT,
    );
  }
  const host = options.host ?? env.WEFT_HOST ?? '127.0.0.1';
  const advertiseHost = options.advertiseHost ?? env.WEFT_ADVERTISE_HOST ?? host;
  if (['0.0.0.0', '::', '[::]'].includes(advertiseHost)) {
    throw new ConfigError(
      'advertiseHost',
      'an address others can reach, as host is a wildcard',
      host,
    );
  }
  const id = options.id ?? env.WEFT_INSTANCE_ID ?? randomUUID();
  const { weight = 1, ttlSeconds = 10, drainMs = 30_000, settleMs = 300 } = options;
  checkServiceName(options.name, 'name');
  if (!INSTANCE_ID.pattern.test(id)) {
    const setting = options.id === undefined ? '$WEFT_INSTANCE_ID' : 'id';
    throw new ConfigError(setting, INSTANCE_ID.mustBe, JSON.stringify(id));
  }
  checkRange('weight', weight, 0, 1_000_000);
  checkRange('ttlSeconds', ttlSeconds, 2, 3600);
  checkRange('drainMs', drainMs, 0, LONGEST_TIMER_MS);
  checkRange('settleMs', settleMs, 0, LONGEST_TIMER_MS);
  return {
    name: options.name,
    routes: options.routes,
    host,
    port,
    advertiseHost,
    id,
    type: options.type ?? InstanceType.INSTANCE_TYPE_API,
    version: options.version ?? '',
    zone: options.zone ?? env.WEFT_ZONE ?? '',
    weight,
    limits: resolveServeLimits(options),
    metadata: new Map([
      ...Object.entries(options.metadata ?? {}),
      [IDENTITY_KEY, IDENTITY_VERSION] as const,
    ]),
    dependencies: options.dependencies ?? [],
    ttlSeconds,
    drainMs,
    settleMs,
    descriptorSets: options.descriptorSets ?? [],
    handleSignals: options.handleSignals ?? true,
    onClose: options.onClose ?? (() => {}),
  };
}

/** The record under which a service that listens on `port` is registered. */
export function instanceOf(config: ServeConfig, port: number): Instance {
  return {
    id: config.id,
    service: config.name,
    address: { host: config.advertiseHost, port },
    type: config.type,
    version: config.version,
    zone: config.zone,
    weight: config.weight,
    metadata: new Map(config.metadata),
    dependencies: [...config.dependencies],
    startTime: new Date(),
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: randomUUID(),
    leaseId: 0n,
    ttlSeconds: 0,
    createRevision: 0n,
    modRevision: 0n,
  };
}

/** What it answers to whoever asks who it is. */
export function identityOf({ service, id, incarnation }: Instance): Identity {
  return { service, instanceId: id, incarnation };
}
