import type { ServiceStatus } from '@weft/proto/orchestrator';
import type { Instance } from '@weft/proto/registry';
import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { liveState } from '../control/live-state.ts';
import { OrchestratorError } from '../errors.ts';
import { processRows } from '../mesh-view/process-rows.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { examplesText } from '../output/examples.ts';
import { processJson, processTable } from '../output/process-table.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry } from './ask-registry.ts';
import { folderOf, globalOptions } from './context.ts';
import { addLookOptions } from './registry-option.ts';

/** What `weft up` supervises here; none where it is not up. */
async function processesHere(command: Command): Promise<readonly ServiceStatus[]> {
  const folder = folderOf(globalOptions(command));
  if (liveState(folder) === undefined) return [];
  const { services } = await askOrchestrator(folder, (client) => client.getStatus({}));
  return services;
}

export function define(command: Command): void {
  addLookOptions(command)
    .addHelpText(
      'after',
      `
What is registered and runs elsewhere has no name and no pid here. When the registry does not answer,
the processes are listed all the same, and the command fails.
${examplesText([
  ['ps', ''],
  ['ps --json', '{"processes": [{"service", "pid", ...}]}'],
])}`,
    )
    .action(async ({ json }: { json: boolean }, command: Command) => {
      const services = await processesHere(command);
      let instances: readonly Instance[] = [];
      let failure: unknown;
      try {
        ({ items: instances } = await askRegistry(command, ({ registry }) =>
          readInstances(registry),
        ));
      } catch (error) {
        if (services.length === 0 || !(error instanceof OrchestratorError)) throw error;
        failure = error;
      }
      const rows = processRows(services, instances);
      if (json) printJson({ processes: rows.map(processJson) });
      else if (rows.length === 0) printNews('nothing runs, and nothing is registered');
      else print(processTable(rows, { nowMs: Date.now(), isColored }));
      if (failure !== undefined) throw failure;
    });
}
