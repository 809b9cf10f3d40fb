import { readdirSync, readFileSync } from 'node:fs';

/**
 * Signals a process group.
 * @param pid Id of the process that leads the group, or led it.
 * @param signal 0 sends no signal and only checks whether the group has members
 * @returns Whether the group has a member that we may signal.
 */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // EPERM: its members belong to another user, or, on macOS, have ended.
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Whether a process group has a member that has not ended. It reads all of /proc: do not ask often. If no file can be
 * opened now, a group that has members counts as running.
 */
export function isGroupRunning(pid: number): boolean {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  try {
    // A member that has ended stays in its group until its parent collects it, which some parents never do.
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isRunningIn(pid, name));
  } catch (error) {
    if (isOutOfFiles(error)) return true;
    throw error;
  }
}

function isRunningIn(group: number, pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold anything. State, parent and group follow it.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  } catch (error) {
    if (isOutOfFiles(error)) throw error;
    return false;
  }
}

/** Whether an error says that no file can be opened now, in this process or on this machine. */
export function isOutOfFiles(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}
