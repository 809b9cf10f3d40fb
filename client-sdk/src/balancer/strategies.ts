import { ConfigError } from '../errors.ts';
import { LeastConnections } from './least-connections.ts';
import { RandomStrategy } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import type { Strategy } from './strategy.ts';

const strategies = {
  round_robin: (random: () => number): Strategy => new RoundRobin(random),
  random: (random: () => number): Strategy => new RandomStrategy(random),
  least_connections: (random: () => number): Strategy => new LeastConnections(random),
};

/** Names of the balancing strategies. */
export type StrategyName = keyof typeof strategies;

/** Throws ConfigError unless `name` is a strategy: grpc-js itself would fall back in silence. */
export function checkStrategyName(setting: string, name: string): asserts name is StrategyName {
  if (!Object.hasOwn(strategies, name)) {
    throw new ConfigError(setting, `one of ${Object.keys(strategies).join(', ')}`, name);
  }
}

export function createStrategy(name: StrategyName, random: () => number): Strategy {
  return strategies[name](random);
}
