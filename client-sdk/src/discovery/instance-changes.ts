import type { Instance } from '@weft/proto/registry';

/**
 * What befell the registry before it no longer listed an instance: the watch of it broke (it goes on
 * later, perhaps at another replica), it said that its store was away, or it sent a new snapshot in the
 * middle of a watch.
 */
export type RegistryTrouble =
  | 'the watch broke'
  | 'the registry lost its store'
  | 'the registry began anew';

/** Instances that the registry no longer lists and that are used all the same, see StaticStability. */
export interface Kept {
  readonly count: number;
  /** Why their loss is not believed. */
  readonly reason: RegistryTrouble;
}

/** What has become of the instances of a service since its follower was told last. */
export interface InstanceChanges {
  /** `put` is all there is: whatever else the follower knows is gone. So it is at first. */
  readonly isComplete: boolean;
  /** Instances that are new or have changed. */
  readonly put: readonly Instance[];
  /** Instances that are gone, as they were last. */
  readonly removed: readonly Instance[];
  /** Revision of the registry's store at which this is so. */
  readonly revision: bigint;
  /** Those among all the follower knows that are no longer listed; undefined for none. */
  readonly kept?: Kept | undefined;
}
