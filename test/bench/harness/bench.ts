import type { Row } from './row.ts';

/** How much is to be measured. */
export interface Effort {
  /** Rounds in which each arm has its turn. */
  readonly rounds: number;
  /** Less of everything, to see that a bench works; its figures say little. */
  readonly isQuick: boolean;
  /** How long all is down in `outage`, and leases are renewed in `scale`; undefined: seconds. */
  readonly minutes: number | undefined;
  /** Also write CPU profiles to this folder and print the functions that took most. */
  readonly profileFolder: string | undefined;
}

/** What a bench tells while it runs. */
export interface Reporter {
  /** What goes on now; replaced by the next. */
  progress(text: string): void;
  /** Something to be read beside the table. */
  note(text: string): void;
  /** An arm that could not be measured: shown, and the run counts as failed. */
  fail(text: string): void;
}

/** One bench: measures its arms in turns and answers the rows. */
export interface Bench {
  readonly name: string;
  /** What is measured, in a line. */
  readonly about: string;
  run(effort: Effort, reporter: Reporter): Promise<Row[]>;
}
