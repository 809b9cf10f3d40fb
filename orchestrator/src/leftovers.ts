import { setTimeout as sleep } from 'node:timers/promises';
import type { MeshFolder } from './mesh-folder.ts';
import { isAlive } from './process/process-identity.ts';
import { signalGroup } from './process/signal-group.ts';
import { type MeshState, readState, type StartedProcess } from './state-file.ts';

/** How long a process left over may take to end before it is killed. */
const LEFTOVER_GRACE_MS = 5000;
const POLL_MS = 20;

async function end(left: StartedProcess, graceMs: number): Promise<void> {
  signalGroup(left.pid, 'SIGTERM');
  const deadlineMs = performance.now() + graceMs;
  while (isAlive(left) && performance.now() < deadlineMs) await sleep(POLL_MS);
  // Its children may be left even when it has ended.
  signalGroup(left.pid, 'SIGKILL');
}

/** What still runs of a mesh whose orchestrator is gone. */
export function leftoversOf({ orchestrator, processes }: MeshState): StartedProcess[] {
  return isAlive(orchestrator) ? [] : processes.filter(isAlive);
}

/**
 * Ends what is left of a mesh whose orchestrator is gone, saying so. Only who holds the lock of the folder
 * may: no other orchestrator is then up there. Answers whether there was anything.
 */
export async function clearLeftovers(
  folder: MeshFolder,
  onNews: (text: string) => void,
): Promise<boolean> {
  const names = await endLeftovers(readState(folder.stateFile)?.processes ?? []);
  if (names.length === 0) return false;
  onNews(`ended what an earlier weft up left running: ${names.join(', ')}`);
  return true;
}

/**
 * Ends what an orchestrator that crashed left running: services first, so that they can deregister, then the
 * registry and etcd. Only processes proven to be the recorded ones are touched.
 * Answers their names.
 */
export async function endLeftovers(
  processes: readonly StartedProcess[],
  graceMs = LEFTOVER_GRACE_MS,
): Promise<string[]> {
  const alive = processes.filter(isAlive);
  const foundation = alive.filter(({ name }) => name === 'etcd' || name === 'registry');
  const services = alive.filter((left) => !foundation.includes(left));
  await Promise.all(services.map((left) => end(left, graceMs)));
  for (const left of foundation.toReversed()) await end(left, graceMs);
  return alive.map(({ name }) => name);
}
