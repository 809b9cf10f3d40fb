import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { printNews } from '../output/terminal.ts';
import { folderOf, globalOptions } from './context.ts';
import { printStatus, statusOf } from './status.ts';

export function define(command: Command): void {
  command
    .argument('[service]', 'only this service; all in dependency order when left out', '')
    .option('--json', 'print JSON', false)
    .action(async (service: string, { json }: { json: boolean }, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const { services, notes } = await askOrchestrator(folder, (client) =>
        client.restart({ service }),
      );
      for (const note of notes) printNews(note);
      printStatus(statusOf(services), json);
    });
}
