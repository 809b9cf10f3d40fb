import { signalGroup } from './signal-group.ts';

/** The end of a process and of all that it started in its group. */
export class GroupEnd {
  readonly #pid: number;
  #killTimer: NodeJS.Timeout | undefined;

  /** @param pid Of the process that leads the group. */
  constructor(pid: number) {
    this.#pid = pid;
  }

  /** SIGTERM, and SIGKILL after `graceMs`; may be asked again with less. Only while the process lives. */
  ask(graceMs: number): void {
    // A program may take a second SIGTERM for impatience.
    if (this.#killTimer === undefined && graceMs > 0) signalGroup(this.#pid, 'SIGTERM');
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => signalGroup(this.#pid, 'SIGKILL'), graceMs);
  }

  /** To be told once the process has ended: kills what it left behind. */
  finish(): void {
    this.abandon();
    signalGroup(this.#pid, 'SIGKILL');
  }

  /** Touches the group no more: it is gone, or someone else's by now. */
  abandon(): void {
    clearTimeout(this.#killTimer);
  }
}
