import type { Architecture } from '../architecture.ts';

/** A breach of a rule. */
export interface Breach {
  /** The services concerned, the one to change first. */
  readonly services: readonly string[];
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Something that holds in a sound architecture. */
export interface Rule {
  /** Stable, for programs. */
  readonly id: string;
  /** What holds, in words. */
  readonly holds: string;
  /** Whether it is about instances, and tells nothing while no mesh is up. */
  readonly isLive?: boolean;
  /** What breaches it; none when it holds. */
  check(architecture: Architecture): Breach[];
}

/** A breach, and of which rule. */
export interface Finding extends Breach {
  readonly rule: string;
}
