import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { startOf } from './lock.mjs';

/** The processes that lead to this one: npm, a shell, and this process itself. */
function ownProcesses() {
  const own = new Set();
  for (let pid = process.pid; pid > 1; ) {
    own.add(pid);
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      break;
    }
  }
  return own;
}

/** On Linux: a process whose program is the Node of these packages, as all of a mesh are. */
function userOfNode(modules) {
  const nodes = ['node', 'node-bin'].map((name) => join(realpathSync(modules), name) + sep);
  const own = ownProcesses();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || own.has(Number(name))) continue;
    try {
      const program = readlinkSync(`/proc/${name}/exe`);
      if (!nodes.some((folder) => program.startsWith(folder))) continue;
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return { pid: Number(name), command: words.slice(1).join(' ').trim().slice(0, 80) };
    } catch {
      // It has ended, or belongs to someone else.
    }
  }
  return undefined;
}

/** Whether a process that `weft up` recorded (ProcessIdentity of the orchestrator) runs: another may have its id now. */
function isRunning({ pid, startedAs }) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || startedAs.endsWith(`/${startOf(pid)}`);
}

/** A live process that `weft up` of this folder recorded. */
function recordedProcess(root) {
  try {
    const { orchestrator, processes } = JSON.parse(
      readFileSync(join(root, '.weft', 'state.json'), 'utf8'),
    );
    const running = [orchestrator, ...processes].find(isRunning);
    return running && { pid: running.pid, command: running.name ?? 'weft up' };
  } catch {
    // Nothing was started here.
    return undefined;
  }
}

/**
 * A program that runs on the installed packages and would break if they were replaced.
 * @param {string} root folder of package.json
 * @returns {{ pid: number, command: string } | undefined}
 */
export function runningProgram(root) {
  const recorded = recordedProcess(root);
  if (recorded !== undefined || process.platform !== 'linux') return recorded;
  return userOfNode(join(root, 'node_modules'));
}
