import { endText, GroupEnd } from './group-end.ts';
import type { ManagedProcess } from './managed-process.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

/** Between two looks whether it still runs. */
const POLL_MS = 500;
/** The same once it was told to end. */
const ENDING_POLL_MS = 20;

/**
 * Whether another process has its id now. Its group is then gone: the system gives a new process no id of a
 * group that still exists.
 */
function isReused({ pid, startedAs }: ProcessIdentity): boolean {
  const now = identityOf(pid);
  return now !== undefined && now.startedAs !== startedAs;
}

const UNKNOWN_END = 'how is not known: an earlier weft up started it';

/**
 * Takes over a process that someone else started as the leader of a group of its own, as `startChild` does.
 * It is no child of ours, so its end is looked for, and noticed within half a second; how it ended is not told.
 * @param restGraceMs As for `startChild`.
 */
export function adoptProcess(identity: ProcessIdentity, restGraceMs?: number): ManagedProcess {
  const { pid } = identity;
  const { promise: exited, resolve } = Promise.withResolvers<string>();
  const end = new GroupEnd(pid, restGraceMs);
  let isEnding = false;
  let hasEnded = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    if (isAlive(identity)) {
      // Keeps us running, as a child does.
      timer = setTimeout(look, isEnding ? ENDING_POLL_MS : POLL_MS);
      return;
    }
    hasEnded = true;
    if (isReused(identity)) end.abandon();
    resolve(endText(UNKNOWN_END, await end.rest()));
  };
  timer = setTimeout(look, POLL_MS);
  return {
    pid,
    exited,
    terminate(graceMs) {
      if (isReused(identity)) return;
      isEnding = true;
      end.ask(graceMs);
      if (hasEnded) return;
      clearTimeout(timer);
      timer = setTimeout(look, ENDING_POLL_MS);
    },
  };
}
