import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type DescribedService, describedServices, messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import type { Topology } from '../topology/topology.ts';

/**
 * What the contracts of a mesh describe: those that weft.yaml names, else Weft's own.
 * @throws OrchestratorError when they cannot be read
 */
export function readContracts({
  contracts,
  folder,
  file,
}: Pick<Topology, 'contracts' | 'folder' | 'file'>): DescribedService[] {
  if (contracts === undefined) return describedServices();
  try {
    return describedServices(contracts.map((name) => readFileSync(resolve(folder, name))));
  } catch (error) {
    throw new OrchestratorError(
      `cannot read \`contracts\` of ${file}: ${messageOf(error)}. Each must be a compiled FileDescriptorSet with all imports, as \`buf build -o contracts.binpb\` writes it.`,
    );
  }
}
