import type { RegistryTrouble } from './instance-changes.ts';

/** Instances that the registry lost are used all the same, from now on. */
export interface SnapshotKept {
  readonly service: string;
  /** How many are kept, and how many are listed beside them. */
  readonly kept: number;
  readonly listed: number;
  readonly reason: RegistryTrouble;
  /** Of the registry, when it listed them no longer. */
  readonly revision: bigint;
}

/** Those that were kept are listed again, or given up: what the registry lists is used, and no other. */
export interface SnapshotReleased {
  readonly service: string;
  readonly listed: number;
  readonly revision: bigint;
}

/** Who wants to know when the registry is not believed. */
export interface DiscoveryObserver {
  snapshotKept(event: SnapshotKept): void;
  snapshotReleased(event: SnapshotReleased): void;
}
