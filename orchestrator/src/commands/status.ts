import { GetStatusResponse, type ServiceStatus } from '@weft/proto/orchestrator';
import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { statusJson } from '../output/status-json.ts';
import { statusTable } from '../output/status-table.ts';
import { isColored, print, printJson } from '../output/terminal.ts';
import { folderOf, globalOptions } from './context.ts';

/** Services as commands print them: JSON of the contract, or a table. */
export function printStatus(status: GetStatusResponse, asJson: boolean): void {
  if (asJson) printJson(statusJson(status));
  else print(statusTable(status, { nowMs: Date.now(), isColored }));
  if (!asJson && status.pageUrl !== '') print(`web page: ${status.pageUrl}`);
}

/** Some services of a status, for the commands that change only those. */
export function statusOf(services: ServiceStatus[]): GetStatusResponse {
  return GetStatusResponse.fromPartial({ services });
}

export function define(command: Command): void {
  command
    .option('--json', 'print JSON (weft.orchestrator.v1.GetStatusResponse)', false)
    .action(async ({ json }: { json: boolean }, command: Command) => {
      const folder = folderOf(globalOptions(command));
      printStatus(await askOrchestrator(folder, (client) => client.getStatus({})), json);
    });
}
