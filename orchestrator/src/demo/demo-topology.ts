import type { Topology } from '../topology/topology.ts';

const INSTANCES = 2;

/** The mesh of weft.yaml for the demonstration: on free ports, beside whatever runs already, two of each. */
export function demoTopology(topology: Topology): Topology {
  return {
    ...topology,
    registry: { ...topology.registry, port: 0 },
    etcd: { port: 0 },
    services: topology.services.map((spec) => ({ ...spec, port: 0, instances: INSTANCES })),
  };
}
