import type { Instance } from '@weft/proto/registry';

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
}
