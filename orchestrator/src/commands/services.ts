import type { Command } from 'commander';
import { readServices } from '../mesh-view/read-catalog.ts';
import { trafficBy } from '../mesh-view/traffic.ts';
import { examplesText } from '../output/examples.ts';
import { servicesJson, servicesTable } from '../output/services-table.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry, firstOf } from './ask-registry.ts';
import { addLookOptions } from './registry-option.ts';

export const STALE = 'the store of the registry is away: this may be behind it';

export function define(command: Command): void {
  addLookOptions(command)
    .addHelpText(
      'after',
      `
CALLS/S, ERRORS and P99 are of the last seconds, from all callers; P99 is that of the slowest instance.
${examplesText([
  ['services', ''],
  ['services --json', '{"services": [{"name", "instances", ...}]}'],
  ['services --registry 10.0.0.21:7400', 'of another mesh'],
])}`,
    )
    .action(async ({ json }: { json: boolean }, command: Command) => {
      await askRegistry(command, async ({ registry, telemetry }) => {
        const [{ items, isStale }, { instances }] = await Promise.all([
          readServices(registry),
          firstOf((options) => telemetry.watchTraffic({}, options)),
        ]);
        const traffic = trafficBy(instances, ({ service }) => service);
        if (json) return printJson({ services: servicesJson(items, traffic), stale: isStale });
        if (isStale) printNews(STALE);
        if (items.length === 0) return printNews('no service is registered');
        print(servicesTable(items, traffic, { isColored }));
      });
    });
}
