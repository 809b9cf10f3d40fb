import type { WatchTrafficResponse } from '@weft/proto/telemetry';
import type { Command } from 'commander';
import { InstanceSet } from '../mesh-view/instance-set.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { trafficJson } from '../mesh-view/traffic.ts';
import { examplesText } from '../output/examples.ts';
import { FullScreen } from '../output/full-screen.ts';
import { statusName } from '../output/instances-table.ts';
import { isColored, print, printJson } from '../output/terminal.ts';
import { type TopView, topRows, topScreen } from '../output/top-screen.ts';
import { askRegistry, firstOf, type RegistryAccess } from './ask-registry.ts';
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

async function snapshot({ registry, telemetry, address }: RegistryAccess): Promise<TopView> {
  const [{ items, isStale }, traffic] = await Promise.all([
    readInstances(registry),
    firstOf((options) => telemetry.watchTraffic({}, options)),
  ]);
  const trouble = isStale ? 'its store is away' : '';
  return { registry: address, instances: items, traffic, trouble };
}

/** Draws what there is each second, until whoever looks on has seen enough. */
async function live(access: RegistryAccess): Promise<void> {
  const set = new InstanceSet();
  let traffic: Pick<WatchTrafficResponse, 'instances' | 'breakers'> = {
    instances: [],
    breakers: [],
  };
  let trouble = '';
  const draw = () => {
    const view = { registry: access.address, instances: set.all, traffic, trouble };
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

export function addTopCommand(program: Command): void {
  addLookOptions(program.command('top'), 'print JSON, once')
    .description('show services and instances by traffic, live at a terminal')
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
        if (isLive) return live(access);
        const view = await snapshot(access);
        if (json) printJson(topJson(view));
        else print(topScreen(view, everything, isColored));
      });
    });
}
