import type { MeshFolder } from '../mesh-folder.ts';
import type { Topology } from '../topology/topology.ts';
import type { Architecture } from './architecture.ts';
import { deriveArchitecture } from './derive-architecture.ts';
import type { LiveFacts } from './live-facts.ts';
import { readContracts } from './read-contracts.ts';
import { realPath } from './real-path.ts';
import { findingsOf } from './rules/index.ts';
import type { Finding } from './rules/rule.ts';

/** An architecture and what is wrong with it. */
export interface Verification {
  readonly architecture: Architecture;
  readonly findings: readonly Finding[];
}

/**
 * Derives the architecture of a mesh from weft.yaml, the contracts and, where it is up, from what it is like.
 * @throws OrchestratorError when the contracts cannot be read
 */
export function verifyArchitecture(
  topology: Topology,
  { data: dataFolder }: MeshFolder,
  live: LiveFacts | undefined,
): Verification {
  const contracts = readContracts(topology);
  const architecture = deriveArchitecture({ topology, contracts, live, dataFolder, realPath });
  return { architecture, findings: findingsOf(architecture) };
}
