import { messageToJson } from '@weft/proto';
import { Instance, InstanceStatus, type RegistryServiceClient } from '@weft/proto/registry';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readInstances, unknownService } from '../mesh-view/read-catalog.ts';
import { examplesText } from '../output/examples.ts';
import { instancesTable } from '../output/instances-table.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry } from './ask-registry.ts';
import { addLookOptions } from './registry-option.ts';
import { STALE } from './services.ts';

const STATUSES = ['STARTING', 'RUNNING', 'STOPPING', 'STOPPED', 'ERROR'] as const;

function parseStatus(text: string): (typeof STATUSES)[number] {
  const status = STATUSES.find((each) => each === text.toUpperCase());
  if (status === undefined) throw new InvalidArgumentError(`It must be ${STATUSES.join(', ')}.`);
  return status;
}

interface InstancesOptions {
  readonly json: boolean;
  readonly status?: (typeof STATUSES)[number];
  readonly zone?: string;
  readonly version?: string;
}

/** @throws OrchestratorError if no instance of the service is registered, whatever its status, zone or version */
async function checkService(registry: RegistryServiceClient, service: string): Promise<void> {
  const { instances } = await registry.listInstances({ service, pageSize: 1 });
  if (instances.length === 0) throw await unknownService(registry, service);
}

/** An instance as protobuf's JSON has it. */
export function instanceJson(instance: Instance) {
  return messageToJson('weft.registry.v1.Instance', Instance, instance);
}

export function define(command: Command): void {
  addLookOptions(command, 'print JSON (weft.registry.v1.Instance)')
    .argument('[service]', 'only of this service', '')
    .addOption(
      new Option('--status <status>', 'only in this status')
        .choices(STATUSES)
        .argParser(parseStatus),
    )
    .option('--zone <zone>', 'only in this zone')
    .option('--version <version>', 'only of this version')
    .addHelpText(
      'after',
      examplesText([
        ['instances user-service', ''],
        ['instances --status running --zone eu-1', 'who takes calls there'],
        ['instances --json', '{"instances": [...]}'],
      ]),
    )
    .action(async (service: string, options: InstancesOptions, command: Command) => {
      const { json, zone = '', version = '' } = options;
      const status = options.status && InstanceStatus[`INSTANCE_STATUS_${options.status}`];
      await askRegistry(command, async ({ registry }) => {
        const filter = { service, zone, version, ...(status ? { status } : {}) };
        const { items, isStale } = await readInstances(registry, filter);
        if (items.length === 0 && service !== '') await checkService(registry, service);
        if (json) return printJson({ instances: items.map(instanceJson), stale: isStale });
        if (isStale) printNews(STALE);
        if (items.length === 0) return printNews('no such instance is registered');
        print(instancesTable(items, { isColored }));
      });
    });
}
