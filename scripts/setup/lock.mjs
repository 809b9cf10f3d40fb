import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/** When a process started, in ticks since the boot; empty where the system does not tell. */
export function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

/** Whether the holder of a lock runs. A later process may have its id, as in a container that starts again. */
function isAlive({ pid, start }) {
  try {
    process.kill(pid, 0);
    return start === '' || startOf(pid) === start;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The process that holds a lock; undefined if no process does. */
function holderOf(folder) {
  try {
    const [pid, start = ''] = readFileSync(join(folder, 'pid'), 'utf8').split(' ');
    return { pid: Number(pid), start };
  } catch {
    return undefined;
  }
}

/** Renames a folder; returns false if it is gone, or if the other name is taken. */
function didRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) return false;
    throw error;
  }
}

/** Takes the lock if it is free. The folder appears with the process id in it: a rename is one step. */
function take(folder) {
  const own = `${folder}.${process.pid}`;
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'pid'), `${process.pid} ${startOf(process.pid)}`);
  if (didRename(own, folder)) return true;
  rmSync(own, { recursive: true });
  return false;
}

/** Removes the lock of a process that has ended; one that a live process took meanwhile is put back. */
function breakLock(folder) {
  const aside = `${folder}.broken.${process.pid}`;
  if (!didRename(folder, aside)) return;
  const holder = holderOf(aside);
  if (holder !== undefined && isAlive(holder) && didRename(aside, folder)) return;
  rmSync(aside, { recursive: true, force: true });
}

/**
 * Runs `action` while no other process runs one under the same lock.
 * @param {string} folder that stands for the lock; its parent is made when missing
 * @param {(pid: number) => void} onWait called once if another process holds the lock
 * @param {() => unknown} action
 */
export async function withLock(folder, onWait, action) {
  mkdirSync(dirname(folder), { recursive: true });
  let hasWaited = false;
  while (!take(folder)) {
    const holder = holderOf(folder);
    if (holder !== undefined && !isAlive(holder)) {
      breakLock(folder);
      continue;
    }
    if (holder !== undefined && !hasWaited) onWait(holder.pid);
    hasWaited ||= holder !== undefined;
    await sleep(POLL_MS);
  }
  try {
    return await action();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
