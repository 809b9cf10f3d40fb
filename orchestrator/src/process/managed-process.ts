/** A process that a slot runs, whatever starts it. */
export interface ManagedProcess {
  /** Its id; undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves with why it ended ("exit code 1"), also when it could not be started. Never rejects. */
  readonly exited: Promise<string>;
  /** SIGTERM, and SIGKILL after `graceMs`; does not wait. */
  terminate(graceMs: number): void;
}
