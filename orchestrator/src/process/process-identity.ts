import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isOutOfFiles } from './signal-group.ts';

/** One run of one process: a process id alone may belong to someone else by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Tells this process from a later one with the same id; opaque. */
  readonly startedAs: string;
}

let bootId: string | undefined;

function linuxStart(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; the fields after it are plain.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${bootId}/${fields[19]}`;
}

function startOf(pid: number): string | undefined {
  return process.platform === 'linux'
    ? linuxStart(pid)
    : execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** The identity of a live process; undefined if there is none with that id, or if it cannot be read. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const startedAs = startOf(pid);
    return startedAs ? { pid, startedAs } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process has that id. Needs no file. */
function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether exactly that process is still alive. If no file can be opened now, any process with its id counts. */
export function isAlive({ pid, startedAs }: ProcessIdentity): boolean {
  try {
    return startOf(pid) === startedAs;
  } catch (error) {
    return isOutOfFiles(error) && isTaken(pid);
  }
}
