import type { Scaling } from '@weft/proto/orchestrator';
import type { WatchTrafficResponse } from '@weft/proto/telemetry';
import type { Command } from 'commander';
import { askOrchestrator } from '../control/control-client.ts';
import { runningRegistry } from '../control/live-state.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { InstanceSet } from '../mesh-view/instance-set.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { trafficJson } from '../mesh-view/traffic.ts';
import { examplesText } from '../output/examples.ts';
import { FullScreen } from '../output/full-screen.ts';
import { statusName } from '../output/instances-table.ts';
import { isColored, print, printJson } from '../output/terminal.ts';
import { type TopView, topRows, topScreen } from '../output/top-screen.ts';
import { askRegistry, firstOf, type RegistryAccess } from './ask-registry.ts';
import { folderOf, globalOptions } from './context.ts';
import { follow } from './follow-stream.ts';
import { addLookOptions } from './registry-option.ts';
import { followInstances } from './watch.ts';

const EVERY_MS = 1000;
const everything = { rows: Number.POSITIVE_INFINITY, columns: Number.POSITIVE_INFINITY };

function topJson(view: TopView): object {
  const { services, instances } = topRows(view);
  return {
    services: services.map(({ service, instances: count, running, traffic, breakers }) => ({
      name: service,
      instances: count,
      running,
      ...trafficJson(traffic),
      breakersNotClosed: breakers,
      scaling: view.scaling.get(service),
    })),
    instances: instances.map(({ service, instance, traffic, breakers }) => ({
      service,
      id: instance?.id,
      status: instance && statusName(instance),
      ...trafficJson(traffic),
      breakersNotClosed: breakers,
    })),
  };
}

/** How the services of the mesh that is up in a folder follow their load, if it is the one asked. */
async function readScaling(folder: MeshFolder, address: string): Promise<Map<string, Scaling>> {
  const known = new Map<string, Scaling>();
  if (runningRegistry(folder) !== address) return known;
  try {
    const { services } = await askOrchestrator(folder, (client) => client.getStatus({}));
    for (const { name, scaling } of services) if (scaling !== undefined) known.set(name, scaling);
  } catch {
    // It goes without: traffic is what top is asked for.
  }
  return known;
}

async function snapshot(
  { registry, telemetry, address }: RegistryAccess,
  folder: MeshFolder,
): Promise<TopView> {
  const [{ items, isStale }, traffic, scaling] = await Promise.all([
    readInstances(registry),
    firstOf((options) => telemetry.watchTraffic({}, options)),
    readScaling(folder, address),
  ]);
  const trouble = isStale ? 'its store is away' : '';
  return { registry: address, instances: items, traffic, scaling, trouble };
}

/** Draws what there is each second, until whoever looks on has seen enough. */
async function live(access: RegistryAccess, folder: MeshFolder): Promise<void> {
  const set = new InstanceSet();
  let traffic: Pick<WatchTrafficResponse, 'instances' | 'breakers'> = {
    instances: [],
    breakers: [],
  };
  let scaling: ReadonlyMap<string, Scaling> = new Map();
  let trouble = '';
  const draw = () => {
    const view = { registry: access.address, instances: set.all, traffic, scaling, trouble };
    screen.draw(topScreen(view, screen.size, isColored));
  };
  using screen = new FullScreen(draw);
  const closer = new AbortController();
  const signal = AbortSignal.any([screen.ended, closer.signal]);
  const lost = (reason: string) => {
    trouble = `it is lost (${reason}); this is what was`;
    draw();
  };
  try {
    await Promise.all([
      followInstances(access, set, { services: [], signal }),
      follow(access, {
        open: ({ telemetry }, options) => telemetry.watchTraffic({ intervalMs: EVERY_MS }, options),
        take: (message) => {
          trouble = '';
          traffic = message;
          draw();
          void readScaling(folder, access.address).then((read) => {
            scaling = read;
          });
        },
        lost,
        signal,
      }),
    ]);
  } finally {
    closer.abort();
  }
}

interface TopOptions {
  readonly json: boolean;
  readonly once: boolean;
}

export function define(command: Command): void {
  addLookOptions(command, 'print JSON, once')
    .option('--once', 'print it once, as where there is no terminal', false)
    .addHelpText(
      'after',
      `
Traffic is that of the last seconds, from all callers. q or Ctrl-C ends it.
${examplesText([
  ['top', ''],
  ['top --once | head', 'the busiest'],
])}`,
    )
    .action(async ({ json, once }: TopOptions, command: Command) => {
      const isLive = !json && !once && process.stdout.isTTY === true;
      await askRegistry(command, async (access) => {
        const folder = folderOf(globalOptions(command));
        if (isLive) return live(access, folder);
        const view = await snapshot(access, folder);
        if (json) printJson(topJson(view));
        else print(topScreen(view, everything, isColored));
      });
    });
}
