import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { OrchestratorError } from '../errors.ts';
import { printNews } from '../output/terminal.ts';
import { isAlive } from '../process/process-identity.ts';
import { folderOf, globalOptions } from './context.ts';

/** How long the orchestrator may take to end once everything it started has ended. */
const END_TIMEOUT_MS = 5000;

export function addDownCommand(program: Command): void {
  program
    .command('down')
    .description('stop the mesh in reverse order; waits until nothing of it runs')
    .action(async (_options: object, command: Command) => {
      const folder = folderOf(globalOptions(command));
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
