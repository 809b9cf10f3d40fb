/** A process that a slot runs, whatever starts it. */
export interface ManagedProcess {
  /** Its id; undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves with why it ended ("exit code 1"), also when it could not be started. Never rejects. */
  readonly exited: Promise<string>;
  /** Whether it could not be started for a reason that stays, such as a missing file. Default false. */
  readonly isFinal?: boolean;
  /** SIGTERM, and SIGKILL after `graceMs`; does not wait. */
  terminate(graceMs: number): void;
}
