/** What a history breaks. */
export type FindingKind =
  // A watch
  | 'not-ordered'
  | 'duplicate-event'
  | 'missing-event'
  | 'unexpected-event'
  | 'wrong-content'
  | 'wrong-snapshot'
  | 'false-progress'
  | 'malformed-message'
  // A write
  | 'write-not-visible'
  | 'stale-write'
  // An instance
  | 'dead-instance'
  // A drain
  | 'call-after-drain'
  // Discovery
  | 'wrong-discovery'
  // The end
  | 'not-converged'
  // A process
  | 'registry-died'
  /** What was broken could not be made whole: a registry did not come up, or the checker failed. */
  | 'not-mended';

export interface Finding {
  readonly kind: FindingKind;
  /** When, in ms since the run began. */
  readonly atMs: number;
  /** Who saw it. */
  readonly who: string;
  /** At which replica, where it is one's. */
  readonly replica?: number;
  readonly revision?: number;
  readonly message: string;
}
