/** What one look at a process told. */
export interface Reading {
  /** Where it listens, `host:port`; empty when not known yet. */
  readonly address: string;
  /** Whether it answers that it is healthy. */
  readonly isHealthy: boolean;
  /** Whether it may be counted as started: healthy, and registered where it should be. */
  readonly isReady: boolean;
  /** Whether it gave no answer at all; one that says that it is not healthy does answer. */
  readonly isSilent: boolean;
  /** What it lacks to be ready, as a clause: "it has not registered". Default: nothing can be said. */
  readonly lacks?: string;
  /** Whether it cannot be ready now by no fault of its own, such as while the registry is away. */
  readonly isExcused: boolean;
}

/** Looks at one process, again and again. */
export interface Probe {
  /** Looks once, for at most `timeoutMs`. Never rejects. */
  read(timeoutMs: number): Promise<Reading>;
  /** Frees its connections. */
  close(): void;
}
