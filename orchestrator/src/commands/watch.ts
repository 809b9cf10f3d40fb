import type { Command } from 'commander';
import { Status } from 'nice-grpc';
import { type InstanceChange, InstanceSet } from '../mesh-view/instance-set.ts';
import { readInstancesOf } from '../mesh-view/read-catalog.ts';
import { changeLine, differences } from '../output/change-line.ts';
import { examplesText } from '../output/examples.ts';
import { print, printJsonLine, printNews, whileRead } from '../output/terminal.ts';
import { askRegistry, type RegistryAccess } from './ask-registry.ts';
import { follow } from './follow-stream.ts';
import { instanceJson } from './instances.ts';
import { addLookOptions } from './registry-option.ts';

/** News of a registry that does not answer for a while. */
export function tellOfLoss(access: { readonly address: string }) {
  return {
    lost: (reason: string) =>
      printNews(`the registry at ${access.address} is lost (${reason}); trying again`),
    found: () => printNews(`the registry at ${access.address} answers again`),
  };
}

/** Keeps `set` as the registry tells it, through its restarts, until `signal` aborts. */
export function followInstances(
  access: RegistryAccess,
  set: InstanceSet,
  options: {
    services: string[];
    onChanges?: (changes: readonly InstanceChange[]) => void;
    lost?: (reason: string) => void;
    found?: () => void;
    signal: AbortSignal;
  },
): Promise<void> {
  const { services, onChanges = () => {}, ...rest } = options;
  return follow(access, {
    ...rest,
    open: ({ registry }, callOptions) => {
      return registry.watch({ services, client: 'weft', ...set.resumption }, callOptions);
    },
    take: (message, isFirst) => onChanges(set.take(message, isFirst)),
    refused: ({ code }) => {
      // A registry, or a store, that began anew.
      if (code !== Status.OUT_OF_RANGE) return false;
      set.forgetRevision();
      return true;
    },
  });
}

function changeJson({ kind, instance, before }: InstanceChange, now: Date): object {
  return {
    time: now.toISOString(),
    kind,
    instance: instanceJson(instance),
    ...(before === undefined ? {} : { changes: differences(before, instance) }),
  };
}

interface WatchOptions {
  readonly json: boolean;
  readonly watchOnly: boolean;
}

export function define(command: Command): void {
  addLookOptions(command, 'print a JSON document a line')
    .argument('[service]', 'only of this service', '')
    .option('--watch-only', 'leave out those that are listed at the start', false)
    .addHelpText(
      'after',
      `
LISTED at the start, then ADDED, CHANGED and REMOVED. Goes on after a restart of the registry: what has
changed meanwhile is told then. For breakers and drains too, see events.
${examplesText([
  ['watch user-service', ''],
  ['watch --watch-only --json', '{"time", "kind", "instance", "changes"}'],
])}`,
    )
    .action(async (service: string, { json, watchOnly }: WatchOptions, command: Command) => {
      const show = (change: InstanceChange) => {
        if (watchOnly && change.kind === 'LISTED') return;
        const now = new Date();
        if (json) printJsonLine(changeJson(change, now));
        else print(changeLine(change, now.getTime()));
      };
      await askRegistry(command, async (access) => {
        if (service !== '') await readInstancesOf(access.registry, service);
        return followInstances(access, new InstanceSet(), {
          services: service === '' ? [] : [service],
          onChanges: (changes) => changes.forEach(show),
          ...tellOfLoss(access),
          signal: whileRead(),
        });
      });
    });
}
