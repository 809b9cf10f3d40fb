/** For programs that run a mesh themselves, as `weft up` does. */

export { OrchestratorError } from './errors.ts';
export { type MeshFolder, meshFolder } from './mesh-folder.ts';
export { Orchestrator, type OrchestratorOptions } from './orchestrator.ts';
// Which store the registry gets
export { type ChosenStore, chooseStore, type StoreChoice } from './store-choice.ts';
export { TopologyError } from './topology/checked-document.ts';
// weft.yaml
export { loadTopology } from './topology/load-topology.ts';
export { parseTopology } from './topology/parse-topology.ts';
export type { HealthSpec, ServiceSpec, Topology } from './topology/topology.ts';
