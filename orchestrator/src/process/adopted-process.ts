import { GroupEnd } from './group-end.ts';
import type { ManagedProcess } from './managed-process.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

/** Between two looks whether it still runs. */
const POLL_MS = 500;
/** The same once it was told to end. */
const ENDING_POLL_MS = 20;

/**
 * Takes over a process that someone else started as the leader of a group of its own, as `startChild` does.
 * It is no child of ours, so its end is looked for, and noticed within half a second; how it ended is not told.
 */
export function adoptProcess(identity: ProcessIdentity): ManagedProcess {
  const { pid } = identity;
  const { promise: exited, resolve } = Promise.withResolvers<string>();
  const end = new GroupEnd(pid);
  let isEnding = false;
  let timer: NodeJS.Timeout;
  const look = () => {
    if (isAlive(identity)) {
      // Keeps us running, as a child does.
      timer = setTimeout(look, isEnding ? ENDING_POLL_MS : POLL_MS);
      return;
    }
    // While anyone is left in its group no one else gets its id.
    if (identityOf(pid) === undefined) end.finish();
    else end.abandon();
    resolve('how is not known: an earlier weft up started it');
  };
  timer = setTimeout(look, POLL_MS);
  return {
    pid,
    exited,
    terminate(graceMs) {
      if (!isAlive(identity)) return;
      isEnding = true;
      end.ask(graceMs);
      clearTimeout(timer);
      timer = setTimeout(look, ENDING_POLL_MS);
    },
  };
}
