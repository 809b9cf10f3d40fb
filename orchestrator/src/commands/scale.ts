import { type Command, InvalidArgumentError } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { folderOf, globalOptions } from './context.ts';
import { printStatus, statusOf } from './status.ts';

interface Wanted {
  readonly service: string;
  readonly instances: number;
}

function parseWanted(text: string): Wanted {
  const match = /^([^=]+)=(\d{1,3})$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must look like user-service=3.');
  return { service: match[1] ?? '', instances: Number(match[2]) };
}

export function define(command: Command): void {
  command
    .argument('<service=n>', 'such as user-service=3', parseWanted)
    .option('--json', 'print JSON', false)
    .action(async (wanted: Wanted, { json }: { json: boolean }, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const { service } = await askOrchestrator(folder, (client) => client.scale(wanted));
      printStatus(statusOf(service ? [service] : []), json);
    });
}
