import { BreakerState } from '@weft/proto/telemetry';
import { type Command, Option } from 'commander';
import { OrchestratorError } from '../errors.ts';
import { chosenInstances } from '../mesh-view/drain-targets.ts';
import { readInstances, readInstancesOf, unknownService } from '../mesh-view/read-catalog.ts';
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

/**
 * The ids that are meant of the instances of a service: of those that are registered, or have breakers.
 * @throws OrchestratorError if the service or the instance is unknown
 */
async function meantIds(
  { registry }: RegistryAccess,
  service: string,
  instance: string | undefined,
  withBreakers: readonly string[],
): Promise<readonly string[]> {
  const { items } = await readInstances(registry, { service });
  const ids = new Set([...items.map(({ id }) => id), ...withBreakers]);
  if (ids.size === 0) throw await unknownService(registry, service);
  const all = [...ids].map((id) => ({ id }));
  return chosenInstances(service, all, instance).map(({ id }) => id);
}

async function list(
  access: RegistryAccess,
  service: string,
  instance: string | undefined,
  json: boolean,
) {
  const { breakers: all, time } = await firstOf((options) =>
    access.telemetry.watchTraffic({ service }, options),
  );
  let breakers = all;
  let whose = '';
  if (service !== '') {
    const own = all.filter(({ breaker }) => breaker?.service === service);
    const withBreakers = own.map(({ breaker }) => breaker?.instanceId ?? '');
    const ids = await meantIds(access, service, instance, withBreakers);
    breakers = own.filter(({ breaker }) => ids.includes(breaker?.instanceId ?? ''));
    whose = ` of ${instance === undefined ? service : `${service}/${ids[0]}`}`;
  }
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
  if (breakers.length === 0) return printNews(`all breakers${whose} are closed`);
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
  const { items } = await readInstancesOf(registry, service);
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
    .argument('[instance]', 'only those of this instance: its id, or the beginning of it')
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
            : list(access, service, instance, options.json),
        );
      },
    );
}
