import { randomUUID } from 'node:crypto';
import { type Log, silentLog } from '@weft/proto';
import { fromEnvironment } from './policy/environment.ts';
import { Faults } from './policy/faults.ts';
import { PolicyBook } from './policy/policy-book.ts';
import { readServices, withDefaults } from './policy/policy-fields.ts';
import { POLICIES_SOURCE, POLICIES_VARIABLE, parsePolicies } from './policy/read-policies.ts';
import { fieldsOf, numberIn, orFalse, type Reader, shortText, timerMs } from './policy/readers.ts';
import type { PolicyDefaults, ServicePolicy } from './policy/service-policy.ts';

/**
 * How this process takes part in a mesh. The fields of a policy (`strategy`, `breaker`, `retry` ...)
 * hold for calls to every service; `services` says what differs, service by service.
 *
 * $WEFT_POLICIES, which `weft up` sets from `calls` in weft.yaml, holds the same as JSON of
 * `{ defaults, services }` and stands over code, field by field: its defaults over these, its policy
 * of a service over that in `services`. So who runs a program can change what its author chose. What
 * is said of one service stands over what is said of all, whoever says it.
 */
export interface MeshOptions extends PolicyDefaults {
  /**
   * Addresses of registry replicas, `host:port`; a string may name several, separated by commas.
   * Default: $WEFT_REGISTRY, else `localhost:7400`.
   */
  registry?: string | readonly string[];
  /** How calls to single services are made, by the service's name. Default: all alike. */
  services?: Readonly<Record<string, ServicePolicy>>;
  /** Where this process stands, for `preferZone`. Default: $WEFT_ZONE, else none. */
  zone?: string;
  /**
   * What this process is told from its siblings by, so that each takes another subset of a large
   * service. Default random: one that returns after a restart may take another.
   */
  clientId?: string;
  /**
   * Age without news after which what was discovered counts as stale, in ms. Default 60,000: many
   * times the pause between two signs of life of a watch.
   */
  discoveryTtlMs?: number;
  /**
   * Telling the registry what this process calls and how it fares, for its web page and `weft top`.
   * Default on; false: off. It costs some 0.1 us per call, and no call waits for it.
   */
  telemetry?: TelemetryOptions | false;
  /** What is believed of a registry that is, or just was, in trouble. */
  discovery?: DiscoveryOptions;
  /** Default: silent. A pino logger fits. */
  log?: Log;
}

/** How the registry is told of traffic. */
export interface TelemetryOptions {
  /** How often, in ms, from 100 to 60,000. Default 2000. Breakers and ejections are told within 200 ms. */
  intervalMs?: number;
}

/** How far a registry in trouble is believed. */
export interface DiscoveryOptions {
  /**
   * Share of a service's instances that may be lost together, 0 to 1, when the registry lost its store,
   * was away or began anew: more are kept, and `snapshotKept` tells so, until they are listed again or
   * the registry has been well for half of their TTL, and for 10 s at the least. Instances
   * that leave in order are believed to be gone, and so are those that get lost while all is well.
   * Default 0.5; 0 keeps whatever is lost so; 1 nothing.
   */
  protectedShare?: number;
}

/** Options with every default filled in and checked. */
export interface MeshConfig {
  readonly registry: readonly string[];
  readonly zone: string;
  readonly clientId: string;
  readonly discoveryTtlMs: number;
  /** How often traffic is reported; undefined: not at all. */
  readonly telemetryIntervalMs: number | undefined;
  readonly discovery: Required<DiscoveryOptions>;
  readonly log: Log;
  /** How calls are made, service by service. */
  readonly policies: PolicyBook;
}

const LONGEST_LABEL = 63;

const isAddress = (text: string) => {
  const port = Number(/^(?:\[[^\]]+\]|[^:/\s]+):(\d+)$/.exec(text)?.[1]);
  return port >= 1 && port <= 65_535;
};

const addresses: Reader<readonly string[]> = (value, path, faults) => {
  const what = '`host:port`, or several of them';
  const list: readonly unknown[] | undefined =
    typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : undefined;
  const read = list?.map((text) => (typeof text === 'string' ? text.trim() : text)) ?? [];
  if (read.length === 0) faults.mustBe(path, what, value);
  const wrong = read.findIndex((text) => typeof text !== 'string' || !isAddress(text));
  if (wrong >= 0) faults.mustBe(path, what, read[wrong]);
  return read as readonly string[];
};

const label = shortText(1, LONGEST_LABEL);

const log: Reader<Log> = (value, path, faults) => {
  const given = Object(value) as Record<string, unknown>;
  const missing = Object.keys(silentLog).find((level) => typeof given[level] !== 'function');
  if (missing !== undefined) faults.mustBe(path, `a logger with the method ${missing}`, value);
  return value as Log;
};

/** The options that are no defaults of policies. */
type OwnOptions = Omit<MeshOptions, keyof PolicyDefaults | 'registry'> & {
  registry?: readonly string[];
};

const readOptions = withDefaults<OwnOptions>({
  registry: addresses,
  services: readServices,
  zone: label,
  clientId: label,
  discoveryTtlMs: timerMs(),
  telemetry: orFalse(fieldsOf<TelemetryOptions>({ intervalMs: numberIn(100, 60_000, ' of ms') })),
  discovery: fieldsOf<DiscoveryOptions>({ protectedShare: numberIn(0, 1) }),
  log,
});

/**
 * Fills in defaults. The caller's object is neither kept nor changed.
 * @throws ConfigError naming every setting that cannot be used
 */
export function resolveConfig(options: MeshOptions): MeshConfig {
  const faults = new Faults();
  const read: OwnOptions & PolicyDefaults = readOptions(options, [], faults) ?? {};
  faults.throwIfAny();
  const {
    registry,
    services,
    zone,
    clientId,
    discoveryTtlMs,
    discovery,
    telemetry,
    log,
    ...defaults
  } = read;
  return {
    registry: registry ?? fromEnvironment('WEFT_REGISTRY', addresses) ?? ['localhost:7400'],
    zone: zone ?? fromEnvironment('WEFT_ZONE', label) ?? '',
    clientId: clientId ?? randomUUID(),
    discoveryTtlMs: discoveryTtlMs ?? 60_000,
    telemetryIntervalMs: telemetry === false ? undefined : (telemetry?.intervalMs ?? 2000),
    discovery: { protectedShare: discovery?.protectedShare ?? 0.5 },
    log: log ?? silentLog,
    policies: new PolicyBook([
      { policies: { defaults, services } },
      { name: POLICIES_SOURCE, policies: parsePolicies(process.env[POLICIES_VARIABLE]) },
    ]),
  };
}
