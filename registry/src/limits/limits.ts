import { CALL_RESET_LIMITS, type ResetLimits } from '@weft/proto';
import { MAX_METADATA_BYTES } from '../instance-rules.ts';

/** What the registry takes at most; 0 stands for no limit. */
export interface RegistryLimits {
  /** Instances of one service; one more is refused with TOO_MANY_INSTANCES. Default 10,000. */
  readonly maxInstancesPerService: number;
  /** Keys and values of an instance's metadata together, 1 to 65,536 bytes. Default 65,536. */
  readonly maxMetadataBytes: number;
  /** Watches of one connection; one more is refused with TOO_MANY_WATCHES. Default 1000. */
  readonly maxWatchesPerConnection: number;
  /**
   * Requests of one host, and twice as many at once; what is more is refused with
   * TOO_MANY_REQUESTS. Renewals of leases, and questions of health, are never counted. Default 0;
   * the program's is 1000.
   */
  readonly maxRequestsPerSecond: number;
}

export const DEFAULT_LIMITS: RegistryLimits = {
  maxInstancesPerService: 10_000,
  maxMetadataBytes: MAX_METADATA_BYTES,
  maxWatchesPerConnection: 1000,
  maxRequestsPerSecond: 0,
};

/** Resets that one connection may make besides those of its watches: calls that time out. */
const OTHER_RESETS = 500;
const RESETS_PER_SECOND = 100;

/**
 * How many calls a client may reset on one connection to the registry. A client that closes resets
 * each of its watches, all at once.
 * @param maxWatches of one connection; 0 for no limit
 */
export function resetLimits(maxWatches: number): ResetLimits {
  if (maxWatches === 0) return CALL_RESET_LIMITS;
  return { burst: maxWatches + OTHER_RESETS, perSecond: RESETS_PER_SECOND };
}
