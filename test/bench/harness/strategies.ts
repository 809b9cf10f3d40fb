/** Every strategy that comes with Weft; one that is not there yet shows as failed. */
export const STRATEGIES = [
  'round_robin',
  'random',
  'least_connections',
  'weighted_round_robin',
  'p2c_ewma',
  'consistent_hash',
] as const;
