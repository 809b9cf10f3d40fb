import { type Log, silentLog } from '@weft/proto';
import { checkStrategyName, type StrategyName } from './balancer/strategies.ts';
import type { BreakerSettings } from './breaker/breaker.ts';
import { ConfigError } from './errors.ts';

export interface BreakerOptions {
  /** Failures within 10 s at which it opens, if they are more than half of all outcomes. Default 5. */
  failures?: number;
  /** How long it stays open before one probe, in ms. Default 60,000. */
  resetMs?: number;
  /** How long a probe may take, in ms. Default 10,000. */
  probeTimeoutMs?: number;
}

export interface MeshOptions {
  /**
   * Addresses of registry replicas, `host:port`; a string may name several, separated by commas.
   * Default: $WEFT_REGISTRY, else `localhost:7400`.
   */
  registry?: string | readonly string[];
  /** How calls are spread over the instances. Default `round_robin`. */
  strategy?: StrategyName;
  /** The circuit breaker of each instance. */
  breaker?: BreakerOptions;
  /** Deadline of unary calls that come without one, in ms. Default 2000. */
  defaultDeadlineMs?: number;
  /** Age without news after which what was discovered counts as stale, in ms. Default 60,000. */
  discoveryTtlMs?: number;
  /** Default: silent. A pino logger fits. */
  log?: Log;
}

/** Options with every default filled in and checked. */
export interface MeshConfig {
  readonly registry: readonly string[];
  readonly strategy: StrategyName;
  readonly breaker: BreakerSettings;
  readonly defaultDeadlineMs: number;
  readonly discoveryTtlMs: number;
  readonly log: Log;
}

const WINDOW_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function positiveMs(setting: string, value: number): number {
  if (!(value >= 1 && value <= LONGEST_TIMER_MS)) {
    throw new ConfigError(setting, `a number of ms from 1 to ${LONGEST_TIMER_MS}`, value);
  }
  return value;
}

function positiveInteger(setting: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ConfigError(setting, 'a whole number from 1', value);
  }
  return value;
}

function addresses(setting: string, registry: string | readonly string[]): readonly string[] {
  const list = (typeof registry === 'string' ? registry.split(',') : registry).map((text) =>
    text.trim(),
  );
  if (list.length === 0) throw new ConfigError(setting, '`host:port`, or several of them', '[]');
  for (const address of list) {
    const port = Number(/^(?:\[[^\]]+\]|[^:/\s]+):(\d+)$/.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65_535)) {
      throw new ConfigError(setting, '`host:port`, or several of them', `'${address}'`);
    }
  }
  return list;
}

/** Fills in defaults. @throws ConfigError naming the first setting that cannot be used */
export function resolveConfig(options: MeshOptions): MeshConfig {
  const fromEnvironment = process.env.WEFT_REGISTRY;
  const { strategy = 'round_robin', breaker = {} } = options;
  checkStrategyName('strategy', strategy);
  return {
    registry:
      options.registry === undefined && fromEnvironment !== undefined
        ? addresses('$WEFT_REGISTRY', fromEnvironment)
        : addresses('registry', options.registry ?? 'localhost:7400'),
    strategy,
    breaker: {
      failures: positiveInteger('breaker.failures', breaker.failures ?? 5),
      resetMs: positiveMs('breaker.resetMs', breaker.resetMs ?? 60_000),
      probeTimeoutMs: positiveMs('breaker.probeTimeoutMs', breaker.probeTimeoutMs ?? 10_000),
      windowMs: WINDOW_MS,
    },
    defaultDeadlineMs: positiveMs('defaultDeadlineMs', options.defaultDeadlineMs ?? 2000),
    discoveryTtlMs: positiveMs('discoveryTtlMs', options.discoveryTtlMs ?? 60_000),
    log: options.log ?? silentLog,
  };
}
