import { BreakerState } from '@weft/proto/telemetry';
import { type Command, Option } from 'commander';
import { OrchestratorError } from '../errors.ts';
import { chosenInstances } from '../mesh-view/drain-targets.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { breakerStateName, breakersTable } from '../output/breakers-table.ts';
import { callerName } from '../output/event-line.ts';
import { examplesText } from '../output/examples.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry, firstOf, type RegistryAccess } from './ask-registry.ts';
import { addLookOptions } from './registry-option.ts';

interface BreakersOptions {
  readonly json: boolean;
  readonly open?: boolean;
  readonly close?: boolean;
}

async function list({ telemetry }: RegistryAccess, service: string, json: boolean) {
  const { breakers: all, time } = await firstOf((options) =>
    telemetry.watchTraffic({ service }, options),
  );
  const breakers = all.filter(({ breaker }) => service === '' || breaker?.service === service);
  if (json) {
    return printJson({
      breakers: breakers.map(({ caller, breaker, since }) => ({
        service: breaker?.service,
        instance: breaker?.instanceId,
        state: breakerStateName(breaker?.state ?? 0),
        byHand: breaker?.isForced ?? false,
        heldBy: callerName(caller),
        since: since?.toISOString(),
      })),
    });
  }
  if (breakers.length === 0) return printNews('all breakers are closed');
  const nowMs = time?.getTime() ?? Date.now();
  print(breakersTable(breakers, { nowMs, isColored }));
}

async function order(
  { registry, telemetry }: RegistryAccess,
  service: string,
  instance: string | undefined,
  { open, json }: BreakersOptions,
) {
  if (service === '') throw new OrchestratorError('name the service whose breakers are meant');
  const { items } = await readInstances(registry, { service });
  const state = open ? BreakerState.BREAKER_STATE_OPEN : BreakerState.BREAKER_STATE_CLOSED;
  const ordered: { instance: string; clients: number }[] = [];
  for (const { id } of chosenInstances(service, items, instance)) {
    const { clients } = await telemetry.orderBreaker({ service, instanceId: id, state });
    ordered.push({ instance: id, clients });
  }
  if (json) return printJson({ service, state: breakerStateName(state), ordered });
  for (const { instance: id, clients } of ordered) {
    const who = clients === 1 ? '1 client that calls it' : `${clients} clients that call it`;
    print(`${service}/${id}: ${who} told to ${open ? 'open' : 'close'} the breaker`);
  }
}

export function define(command: Command): void {
  addLookOptions(command)
    .argument('[service]', 'only those of its instances', '')
    .argument('[instance]', 'with --open or --close: its id, or the beginning of it')
    .addOption(new Option('--open', 'have clients open theirs, until --close').conflicts(['close']))
    .option('--close', 'have clients close theirs, whatever opened them')
    .addHelpText(
      'after',
      `
OPEN: no call goes there. HALF_OPEN: one probe finds out. Closed ones, through which calls flow, are left out.
--open and --close are for registries with --allow-actions (\`allowActions\` in weft.yaml). Clients hear of it with
their next report, within seconds; one that calls nobody for 30 s, or starts later, does not.
${examplesText([
  ['breakers', ''],
  ['breakers user-service --json', '{"breakers": [{"service", "instance", ...}]}'],
  ['breakers user-service user-service-1 --open', 'clients that call it now stop'],
])}`,
    )
    .action(
      async (
        service: string,
        instance: string | undefined,
        options: BreakersOptions,
        command: Command,
      ) => {
        await askRegistry(command, (access) =>
          options.open || options.close
            ? order(access, service, instance, options)
            : list(access, service, options.json),
        );
      },
    );
}
