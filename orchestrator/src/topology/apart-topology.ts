import type { Topology } from './topology.ts';

/**
 * The mesh of weft.yaml on free ports, beside whatever runs already, with so many instances of each service,
 * whatever their load.
 */
export function apartTopology(topology: Topology, instances: number): Topology {
  return {
    ...topology,
    registry: { ...topology.registry, port: 0, httpPort: 0 },
    etcd: { ...topology.etcd, port: 0 },
    services: topology.services.map((spec) => ({ ...spec, port: 0, instances, scale: undefined })),
  };
}
