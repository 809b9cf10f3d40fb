import type { Instance } from '@weft/proto/registry';

/** The instances of a service at one revision. Immutable; a change makes a new one. */
export interface ServiceSnapshot {
  readonly service: string;
  /** In every status; only RUNNING ones take calls. */
  readonly instances: readonly Instance[];
  readonly revision: bigint;
  /**
   * Whether it is past its TTL without news, the registry itself lost its store, or some of it is
   * kept.
   */
  readonly stale: boolean;
  /**
   * How many of the instances the registry no longer lists: it lost most of them together when it was
   * in trouble itself, so that the loss is doubted for a while. See `discovery.protectedShare`.
   */
  readonly kept: number;
}
