import type { Command } from 'commander';
import { breakerStateName, breakersTable } from '../output/breakers-table.ts';
import { callerName } from '../output/event-line.ts';
import { examplesText } from '../output/examples.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry, firstOf } from './ask-registry.ts';
import { addLookOptions } from './registry-option.ts';

export function addBreakersCommand(program: Command): void {
  addLookOptions(program.command('breakers'))
    .description('list the circuit breakers that are not closed: whose, and since when')
    .argument('[service]', 'only those of its instances', '')
    .addHelpText(
      'after',
      `
OPEN: no call goes there. HALF_OPEN: one probe finds out. Closed ones, through which calls flow, are left out.
${examplesText([
  ['breakers', ''],
  ['breakers user-service --json', '{"breakers": [{"service", "instance", ...}]}'],
])}`,
    )
    .action(async (service: string, { json }: { json: boolean }, command: Command) => {
      await askRegistry(command, async ({ telemetry }) => {
        const { breakers: all, time } = await firstOf((options) =>
          telemetry.watchTraffic({ service }, options),
        );
        const breakers = all.filter(
          ({ breaker }) => service === '' || breaker?.service === service,
        );
        if (json) {
          return printJson({
            breakers: breakers.map(({ caller, breaker, since }) => ({
              service: breaker?.service,
              instance: breaker?.instanceId,
              state: breakerStateName(breaker?.state ?? 0),
              heldBy: callerName(caller),
              since: since?.toISOString(),
            })),
          });
        }
        if (breakers.length === 0) return printNews('all breakers are closed');
        const nowMs = time?.getTime() ?? Date.now();
        print(breakersTable(breakers, { nowMs, isColored }));
      });
    });
}
