import type { Instance } from '@weft/proto/registry';

/** The instances of a service at one revision. Immutable; a change makes a new one. */
export interface ServiceSnapshot {
  readonly service: string;
  /** In every status; only RUNNING ones take calls. */
  readonly instances: readonly Instance[];
  readonly revision: bigint;
  /** Whether it is past its TTL without news, or the registry itself lost its store. */
  readonly stale: boolean;
}
