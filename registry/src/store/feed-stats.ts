/** What has happened to the way between a store and its catalog since the start; all 0 in memory. */
export class FeedStats {
  /** Watches begun, the first one included. */
  watches = 0;
  /** Lists of everything, the first one included. */
  relists = 0;
  /** Times that etcd no longer held what had been missed. */
  compactions = 0;
  /** Keys found to differ from the catalog by comparing all, twice in a row. */
  differences = 0;
  /** Values read that are no instance. */
  skippedValues = 0;
}
