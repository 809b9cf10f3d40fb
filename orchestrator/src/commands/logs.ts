import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameHint } from '@weft/proto';
import { type Command, InvalidArgumentError } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { liveState } from '../control/live-state.ts';
import { OrchestratorError } from '../errors.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { type MergedLine, mergedLines } from '../output/merged-log.ts';
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
  const all = names
    .filter((name) => name.endsWith('.log'))
    .map((name) => basename(name, '.log'))
    .sort();
  const serviceOf = (slot: string) => slot.replace(/-\d+$/, '');
  const slots = all.filter((slot) => service === '' || [slot, serviceOf(slot)].includes(service));
  if (slots.length === 0) {
    const what = service === '' ? 'anything' : `'${service}'`;
    const hint =
      service === '' ? '' : `; ${nameHint(service, [...all, ...new Set(all.map(serviceOf))])}`;
    throw new OrchestratorError(`there is no log of ${what} in ${dirname(folder.ownLog)}${hint}`);
  }
  return slots;
}

/** Leaves out the slots that a mesh which is up does not have any more, unless there are no others. */
async function withoutThoseScaledAway(
  folder: MeshFolder,
  slots: readonly string[],
): Promise<readonly string[]> {
  if (liveState(folder) === undefined) return slots;
  const { services } = await askOrchestrator(folder, (client) => client.getStatus({}));
  const own = basename(folder.ownLog, '.log');
  const present = [own, ...services.flatMap(({ processes }) => processes.map(({ name }) => name))];
  const kept = slots.filter((slot) => present.includes(slot));
  return kept.length > 0 ? kept : slots;
}

async function follow(
  folder: MeshFolder,
  slots: readonly string[],
  show: (line: MergedLine) => void,
) {
  const places = new Map(slots.map((slot) => [slot, readLog(folder.log(slot), 0, 0).end]));
  const unfinished = new Map<string, string>();
  let isRead = true;
  process.stdout.once('error', () => {
    isRead = false;
  });
  while (isRead) {
    await sleep(FOLLOW_MS);
    const added = new Map<string, string[]>();
    for (const [slot, place] of places) {
      const { text, end } = readLog(folder.log(slot), place);
      places.set(slot, end);
      const lines = ((unfinished.get(slot) ?? '') + text).split('\n');
      unfinished.set(slot, lines.pop() ?? '');
      added.set(slot, lines);
    }
    mergedLines(added).forEach(show);
  }
}

interface LogsOptions {
  readonly all: boolean;
  readonly follow: boolean;
  readonly json: boolean;
  readonly lines: number;
}

export function define(command: Command): void {
  command
    .argument(
      '[service]',
      'a service, an instance (user-service-1), registry, etcd, weft; all when left out',
      '',
    )
    .option('-a, --all', 'of instances that were scaled away too', false)
    .option('-f, --follow', 'go on showing what is added', false)
    .option('-n, --lines <count>', 'lines of each log to begin with', parseCount, 50)
    .option('--json', 'print the lines as they were written', false)
    .action(async (service: string, options: LogsOptions, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const found = slotsWithLogs(folder, service);
      const slots = options.all ? found : await withoutThoseScaledAway(folder, found);
      const width = Math.max(...slots.map(({ length }) => length));
      const show = ({ slot, raw, text }: MergedLine) => {
        if (options.json) print(raw);
        else print(slots.length > 1 ? `${slot.padEnd(width)} | ${text}` : text);
      };
      const recent = new Map(
        slots.map((slot) => [slot, lastLines(folder.log(slot), options.lines)]),
      );
      mergedLines(recent).forEach(show);
      if (options.follow) await follow(folder, slots, show);
    });
}
