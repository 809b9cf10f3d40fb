import type { Command } from 'commander';
import { DEFAULT_LIMITS, type RegistryLimits } from '../limits/limits.ts';
import { wholeNumber } from './parsers.ts';

const MAX = 1_000_000_000;

/** Flags as commander leaves them; the names are those of RegistryLimits. */
export type LimitFlags = RegistryLimits;

export function addLimitFlags(command: Command): Command {
  const { maxInstancesPerService, maxMetadataBytes, maxWatchesPerConnection } = DEFAULT_LIMITS;
  return command
    .option(
      '--max-instances-per-service <number>',
      'instances of one service; 0 for no limit',
      wholeNumber(0, MAX),
      maxInstancesPerService,
    )
    .option(
      '--max-metadata-bytes <number>',
      `keys and values of an instance's metadata, at most ${maxMetadataBytes}`,
      wholeNumber(1, maxMetadataBytes),
      maxMetadataBytes,
    )
    .option(
      '--max-watches-per-connection <number>',
      'watches of one connection; 0 for no limit',
      wholeNumber(0, MAX),
      maxWatchesPerConnection,
    )
    .option(
      '--max-requests-per-second <number>',
      'requests of one host, twice as many at once; 0 for no limit',
      wholeNumber(0, MAX),
      1000,
    );
}
