import { ConfigError } from '../errors.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { guarded } from './guarded-strategy.ts';
import { LeastConnections } from './least-connections.ts';
import { P2cEwma } from './p2c-ewma.ts';
import { RandomStrategy } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import type { Strategy, StrategyEnvironment, StrategyFactory } from './strategy.ts';
import { WeightedRoundRobin } from './weighted-round-robin.ts';
import { ZoneAware } from './zone-aware.ts';

const builtIn = {
  round_robin: (environment: StrategyEnvironment): Strategy => new RoundRobin(environment),
  random: (environment: StrategyEnvironment): Strategy => new RandomStrategy(environment),
  least_connections: (environment: StrategyEnvironment): Strategy =>
    new LeastConnections(environment),
  weighted_round_robin: (environment: StrategyEnvironment): Strategy =>
    new WeightedRoundRobin(environment),
  p2c_ewma: (environment: StrategyEnvironment): Strategy => new P2cEwma(environment),
  consistent_hash: (environment: StrategyEnvironment): Strategy => new ConsistentHash(environment),
};

/** Names of the balancing strategies that come with Weft. */
export type StrategyName = keyof typeof builtIn;

const factories = new Map<string, StrategyFactory>(Object.entries(builtIn));

/** The strategies that every process knows. */
export const BUILT_IN_STRATEGIES: readonly string[] = Object.keys(builtIn);

/** Whether a strategy can have this name: lower snake case. */
export function canNameStrategy(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,62}$/.test(name);
}

/**
 * Makes a strategy of your own known to this process, to be named like the built-in ones.
 * @throws ConfigError when the name is taken or is not lower snake case
 */
export function registerStrategy(name: string, factory: StrategyFactory): void {
  if (!canNameStrategy(name)) {
    throw new ConfigError('strategy name', 'lower snake case', `'${name}'`);
  }
  if (factories.has(name)) throw new ConfigError('strategy name', 'one not taken yet', name);
  if (typeof factory !== 'function') {
    throw new ConfigError(`the factory of strategy ${name}`, 'a function', typeof factory);
  }
  factories.set(name, factory);
}

/** Throws ConfigError unless `name` is a strategy: grpc-js itself would fall back in silence. */
export function checkStrategyName(setting: string, name: string): void {
  if (!factories.has(name)) {
    throw new ConfigError(setting, `one of ${[...factories.keys()].join(', ')}`, name);
  }
}

const IN_ZONE = ' in zone';

/** What names the strategy that a policy asks for, among those that choose for one service. */
export function strategyKey({ strategy, preferZone }: { strategy: string; preferZone: boolean }) {
  return preferZone ? `${strategy}${IN_ZONE}` : strategy;
}

/** Makes the strategy that `strategyKey` named. */
export function createStrategy(key: string, environment: StrategyEnvironment): Strategy {
  const isInZone = key.endsWith(IN_ZONE);
  const name = isInZone ? key.slice(0, -IN_ZONE.length) : key;
  const factory = factories.get(name);
  if (factory === undefined) throw new ConfigError('strategy', 'a known one', name);
  const { zone = '' } = environment;
  const create = Object.hasOwn(builtIn, name) ? factory : guarded(name, factory);
  if (!isInZone || zone === '') return create(environment);
  return new ZoneAware(zone, create, environment);
}
