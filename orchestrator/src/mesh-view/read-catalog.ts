import { nameHint } from '@weft/proto';
import type {
  Instance,
  ListInstancesRequest,
  RegistryServiceClient,
  ServiceSummary,
} from '@weft/proto/registry';

import { OrchestratorError } from '../errors.ts';

const PAGE = 1000;

/** What a registry lists, and whether its store is away so that this may be behind. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly isStale: boolean;
}

async function allPages<Item>(
  page: (pageToken: string) => Promise<{ items: Item[]; nextPageToken: string; stale: boolean }>,
): Promise<Listed<Item>> {
  const all: Item[] = [];
  for (let pageToken = ''; ; ) {
    const { items, nextPageToken, stale } = await page(pageToken);
    for (const item of items) all.push(item);
    if (nextPageToken === '') return { items: all, isStale: stale };
    pageToken = nextPageToken;
  }
}

/** Every service that has an instance, by name. */
export function readServices(registry: RegistryServiceClient): Promise<Listed<ServiceSummary>> {
  return allPages(async (pageToken) => {
    const { services, ...rest } = await registry.listServices({ pageSize: PAGE, pageToken });
    return { items: services, ...rest };
  });
}

export type InstanceFilter = Partial<
  Pick<ListInstancesRequest, 'service' | 'status' | 'version' | 'zone'>
>;

/** Every instance that a filter leaves, by service and id. */
export function readInstances(
  registry: RegistryServiceClient,
  filter: InstanceFilter = {},
): Promise<Listed<Instance>> {
  return allPages(async (pageToken) => {
    const request = { ...filter, pageSize: PAGE, pageToken };
    const { instances, ...rest } = await registry.listInstances(request);
    return { items: instances, ...rest };
  });
}

/**
 * Every instance of a service.
 * @throws OrchestratorError if there is none; it suggests the service that was probably meant
 */
export async function readInstancesOf(
  registry: RegistryServiceClient,
  service: string,
): Promise<Listed<Instance>> {
  const listed = await readInstances(registry, { service });
  if (listed.items.length === 0) throw await unknownService(registry, service);
  return listed;
}

/** The error about a service without a registered instance. It suggests the service that was probably meant. */
export async function unknownService(
  registry: RegistryServiceClient,
  service: string,
): Promise<OrchestratorError> {
  const names = (await readServices(registry)).items.map(({ name }) => name);
  const hint = nameHint(service, names);
  return new OrchestratorError(`no service '${service}' is registered; ${hint}`);
}
