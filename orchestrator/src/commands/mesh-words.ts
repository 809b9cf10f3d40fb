import { createMesh } from '@weft/client-sdk';
import type { Command } from 'commander';
import { type MeshWords, type ReadWords, shortMethods } from '../completion/complete.ts';
import { readInstances, readServices } from '../mesh-view/read-catalog.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { askRegistry } from './ask-registry.ts';
import { registryOf } from './registry-option.ts';

/** How long a completion waits for the mesh. */
const PATIENCE_MS = 4000;

/** The words that `ask` finds; none if it fails or takes too long, as a completion cannot print an error. */
async function orNone(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => resolve([]), PATIENCE_MS);
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** Reads words from the mesh that the words typed so far name. */
export function meshWords(command: Command, { values }: ReadWords): MeshWords {
  const file = values.get('--file') ?? 'weft.yaml';
  const registry = values.get('--registry');
  command.setOptionValue('registry', registry);
  command.parent?.setOptionValue('file', file);
  return {
    services: async () => {
      const listed = await orNone(() =>
        askRegistry(command, async (access) =>
          (await readServices(access.registry)).items.map(({ name }) => name),
        ),
      );
      if (listed.length > 0) return listed;
      const topology = () => loadTopology(file, undefined, () => {});
      return orNone(async () => topology().services.map(({ name }) => name));
    },
    instances: (service) =>
      orNone(() =>
        askRegistry(command, async (access) =>
          (await readInstances(access.registry, { service })).items.map(({ id }) => id),
        ),
      ),
    methods: (service) =>
      orNone(async () => {
        const mesh = createMesh({ registry: registryOf({ file }, registry), telemetry: false });
        try {
          return shortMethods(await mesh.methods(service));
        } finally {
          mesh.close();
        }
      }),
  };
}
