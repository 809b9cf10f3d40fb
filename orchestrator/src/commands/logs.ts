import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { OrchestratorError } from '../errors.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { print } from '../output/terminal.ts';
import { lastLines, readLog } from '../process/log-file.ts';
import { folderOf, globalOptions } from './context.ts';

const FOLLOW_MS = 200;

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** The slots that have a log: of one service (or one slot), or all. */
function slotsWithLogs(folder: MeshFolder, service: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(dirname(folder.ownLog));
  } catch {
    // No log folder: nothing was ever started here.
  }
  const slots = names
    .filter((name) => name.endsWith('.log'))
    .map((name) => basename(name, '.log'))
    .filter((slot) => [slot, slot.replace(/-\d+$/, '')].includes(service) || service === '')
    .sort();
  if (slots.length === 0) {
    const what = service === '' ? 'anything' : `'${service}'`;
    throw new OrchestratorError(`there is no log of ${what} in ${dirname(folder.ownLog)}`);
  }
  return slots;
}

async function follow(
  folder: MeshFolder,
  slots: readonly string[],
  prefix: (slot: string) => string,
) {
  const places = new Map(slots.map((slot) => [slot, readLog(folder.log(slot), 0, 0).end]));
  const unfinished = new Map<string, string>();
  let isRead = true;
  process.stdout.once('error', () => {
    isRead = false;
  });
  while (isRead) {
    await sleep(FOLLOW_MS);
    for (const [slot, place] of places) {
      const { text, end } = readLog(folder.log(slot), place);
      places.set(slot, end);
      const lines = ((unfinished.get(slot) ?? '') + text).split('\n');
      unfinished.set(slot, lines.pop() ?? '');
      for (const line of lines) print(prefix(slot) + line);
    }
  }
}

interface LogsOptions {
  readonly follow: boolean;
  readonly lines: number;
}

export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .description('show what services wrote; works after the mesh has stopped too')
    .argument(
      '[service]',
      'a service, an instance (user-service-1), registry, etcd, weft; all when left out',
      '',
    )
    .option('-f, --follow', 'go on showing what is added', false)
    .option('-n, --lines <count>', 'lines of each log to begin with', parseCount, 50)
    .action(async (service: string, options: LogsOptions, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const slots = slotsWithLogs(folder, service);
      const width = Math.max(...slots.map(({ length }) => length));
      const prefix = (slot: string) => (slots.length > 1 ? `${slot.padEnd(width)} | ` : '');
      for (const slot of slots) {
        for (const line of lastLines(folder.log(slot), options.lines)) print(prefix(slot) + line);
      }
      if (options.follow) await follow(folder, slots, prefix);
    });
}
