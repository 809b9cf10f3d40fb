import { setTimeout as sleep } from 'node:timers/promises';
import { isGroupRunning, signalGroup } from './signal-group.ts';

/** Between two looks whether anyone is left in a group. */
const POLL_MS = 20;
/** Between two looks whether those left are only waiting to be collected. */
const THOROUGH_POLL_MS = 500;
/** How long a killed process may take to go, as one that waits for a disk can. */
const KILLED_MS = 2000;
/** Default of `restGraceMs`. */
export const REST_GRACE_MS = 5000;

/**
 * The end of a process and of its whole group. A wrapper such as `npm start` or `sh -c` ends at SIGTERM at
 * once, while the program that it started still drains: the group has ended when its last member has.
 */
export class GroupEnd {
  readonly #pid: number;
  readonly #restGraceMs: number;
  #killTimer: NodeJS.Timeout | undefined;
  #killedAtMs: number | undefined;
  #isOver = false;

  /**
   * @param pid Of the process that leads the group.
   * @param restGraceMs Between SIGTERM and SIGKILL for what the leader leaves behind when it ends by itself.
   */
  constructor(pid: number, restGraceMs = REST_GRACE_MS) {
    this.#pid = pid;
    this.#restGraceMs = restGraceMs;
  }

  /** Sends SIGTERM, and SIGKILL after `graceMs`. May be called again with less. */
  ask(graceMs: number): void {
    if (this.#isOver) return;
    // A program may take a second SIGTERM for impatience.
    if (this.#killTimer === undefined && graceMs > 0) signalGroup(this.#pid, 'SIGTERM');
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.#kill(), graceMs);
  }

  /**
   * Waits, once the leader has ended, until the rest of the group has. If nobody asked the group to end, the
   * rest of it is asked now.
   * @returns Whether the rest had to be killed.
   */
  async rest(): Promise<boolean> {
    const wasKilled = this.#killedAtMs !== undefined;
    let isLeft = !this.#isOver && isGroupRunning(this.#pid);
    if (isLeft && this.#killTimer === undefined) this.ask(this.#restGraceMs);
    let thoroughMs = performance.now() + THOROUGH_POLL_MS;
    while (isLeft && performance.now() < (this.#killedAtMs ?? Infinity) + KILLED_MS) {
      await sleep(POLL_MS);
      isLeft = signalGroup(this.#pid, 0);
      if (!isLeft || performance.now() < thoroughMs) continue;
      isLeft = isGroupRunning(this.#pid);
      thoroughMs = performance.now() + THOROUGH_POLL_MS;
    }
    this.abandon();
    return !wasKilled && this.#killedAtMs !== undefined;
  }

  /** Touches the group no more: it is gone, or its id is another group's by now. */
  abandon(): void {
    this.#isOver = true;
    clearTimeout(this.#killTimer);
  }

  #kill(): void {
    this.#killedAtMs ??= performance.now();
    signalGroup(this.#pid, 'SIGKILL');
  }
}

/** Why a process ended, and what became of the rest of its group; see `GroupEnd.rest`. */
export function endText(reason: string, isRestKilled: boolean): string {
  return isRestKilled
    ? `${reason}; what it had started did not end in time and was killed`
    : reason;
}
