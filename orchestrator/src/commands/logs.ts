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
import { LogTail } from '../process/log-tail.ts';
import { folderOf, globalOptions } from './context.ts';

const FOLLOW_MS = 200;

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** The service of `user-service-1`; of `etcd`, that itself. */
function serviceOf(slot: string): string {
  return slot.replace(/-\d+$/, '');
}

/** Whether the user asks for the log of a slot. The log of etcd is shown only if the user names etcd. */
function isAskedFor(slot: string, service: string): boolean {
  if (service === '') return slot !== 'etcd';
  return [slot, serviceOf(slot)].includes(service);
}

/** Every slot that has a log. */
function slotsWithLog(folder: MeshFolder): string[] {
  try {
    return readdirSync(dirname(folder.ownLog))
      .filter((name) => name.endsWith('.log'))
      .map((name) => basename(name, '.log'))
      .sort();
  } catch {
    // No log folder: nothing was ever started here.
    return [];
  }
}

/** The logs of one service, of one slot, or, with '', of all slots but etcd, by slot. */
function tailsOf(folder: MeshFolder, service: string): Map<string, LogTail> {
  const all = slotsWithLog(folder);
  const slots = all.filter((slot) => isAskedFor(slot, service));
  if (slots.length === 0) {
    const what = service === '' ? 'anything' : `'${service}'`;
    const names = [...all, ...new Set(all.map(serviceOf))];
    const hint = service === '' ? '' : `; ${nameHint(service, names)}`;
    throw new OrchestratorError(`there is no log of ${what} in ${dirname(folder.ownLog)}${hint}`);
  }
  return new Map(slots.map((slot) => [slot, LogTail.fromEnd(folder.log(slot))]));
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

/** Shows lines as they are added, also those of instances that are added to the service. */
async function follow(
  folder: MeshFolder,
  { service, tails }: { service: string; tails: Map<string, LogTail> },
  show: (lines: MergedLine[]) => void,
) {
  let isRead = true;
  process.stdout.once('error', () => {
    isRead = false;
  });
  while (isRead) {
    await sleep(FOLLOW_MS);
    for (const slot of slotsWithLog(folder)) {
      if (tails.has(slot) || !isAskedFor(slot, service)) continue;
      tails.set(slot, LogTail.fromStart(folder.log(slot)));
    }
    show(mergedLines(new Map([...tails].map(([slot, tail]) => [slot, tail.read()]))));
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
      'a service, an instance (user-service-1), registry, etcd, weft; all but etcd when left out',
      '',
    )
    .option('-a, --all', 'include instances that were removed by scaling', false)
    .option('-f, --follow', 'go on showing what is added', false)
    .option('-n, --lines <count>', 'lines of each log to begin with', parseCount, 50)
    .option('--json', 'print the lines as they were written', false)
    .action(async (service: string, options: LogsOptions, command: Command) => {
      const folder = folderOf(globalOptions(command));
      const tails = tailsOf(folder, service);
      const found = [...tails.keys()];
      const shown = new Set(options.all ? found : await withoutThoseScaledAway(folder, found));
      const show = (lines: readonly MergedLine[]) => {
        for (const { slot } of lines) shown.add(slot);
        const width = Math.max(...[...shown].map(({ length }) => length));
        for (const { slot, raw, text } of lines) {
          if (options.json) print(raw);
          else print(shown.size > 1 ? `${slot.padEnd(width)} | ${text}` : text);
        }
      };
      const recentOf = (slot: string) => tails.get(slot)?.recent(options.lines) ?? [];
      show(mergedLines(new Map([...shown].map((slot) => [slot, recentOf(slot)]))));
      if (options.follow) await follow(folder, { service, tails }, show);
    });
}
