/** One house rule. */
export interface Rule {
  /** What holds when it passes; one line. */
  readonly name: string;
  /** Looks at the repository as it stands, uncommitted files included. */
  check(): Promise<Verdict>;
}

/** What became of a rule. */
export interface Verdict {
  /** One line per breach, or what a tool printed; none: the rule passes. */
  readonly breaches: readonly string[];
  /** What is worth knowing when it passes, such as what it was compared with. */
  readonly note?: string;
}
