import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { liveState } from '../control/live-state.ts';
import { OrchestratorError } from '../errors.ts';
import { takeLock } from '../folder-lock.ts';
import { Leftovers } from '../leftovers.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { printNews } from '../output/terminal.ts';
import { isAlive } from '../process/process-identity.ts';
import { readState, removeState } from '../state-file.ts';
import { folderOf, globalOptions } from './context.ts';

/** How long the orchestrator may take to end once everything it started has ended. */
const END_TIMEOUT_MS = 5000;

/** Ends what is left of a mesh whose orchestrator was killed. Answers whether there was anything. */
async function endWithoutOrchestrator(folder: MeshFolder): Promise<boolean> {
  if (liveState(folder) !== undefined) return false;
  const release = takeLock(folder.lockFile);
  if (release === undefined) return false;
  try {
    const names = await new Leftovers(readState(folder.stateFile)).endAllBut([]);
    removeState(folder.stateFile);
    if (names.length === 0) return false;
    printNews(`ended what an earlier weft up left running: ${names.join(', ')}`);
    return true;
  } finally {
    release();
  }
}

export function define(command: Command): void {
  command.action(async (_options: object, command: Command) => {
    const folder = folderOf(globalOptions(command));
    if (await endWithoutOrchestrator(folder)) return;
    const orchestrator = await askOrchestrator(folder, async (client, state) => {
      await client.stop({});
      return state.orchestrator;
    });
    const deadlineMs = performance.now() + END_TIMEOUT_MS;
    while (isAlive(orchestrator)) {
      if (performance.now() > deadlineMs) {
        throw new OrchestratorError(
          `everything stopped, but weft up itself (pid ${orchestrator.pid}) still runs`,
        );
      }
      await sleep(20);
    }
    printNews('stopped');
  });
}
