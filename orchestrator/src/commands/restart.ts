import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { folderOf, globalOptions } from './context.ts';
import { printStatus, statusOf } from './status.ts';

export function define(command: Command): void {
  command
    .argument('[service]', 'only this service; all in dependency order when left out', '')
    .option('--json', 'print JSON', false)
    .action(async (service: string, { json }: { json: boolean }, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const { services } = await askOrchestrator(folder, (client) => client.restart({ service }));
      printStatus(statusOf(services), json);
    });
}
