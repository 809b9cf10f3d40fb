import type { GraphEdge } from './mesh-graph.ts';
import type { ServiceSummary, ShownInstance } from './mesh-model.ts';
import type { CallSourceName, WireArchitecture } from './wire.ts';

const sourcesOf = ({ isDeclared, traffic }: GraphEdge): CallSourceName[] => [
  ...(isDeclared ? (['listed'] as const) : []),
  ...(traffic !== undefined ? (['observed'] as const) : []),
];

/**
 * What a registry knows of the architecture of its mesh by itself: services, nodes, and who calls whom. Of
 * interfaces, stores and configuration it knows nothing.
 */
export function knownArchitecture(
  services: readonly ServiceSummary[],
  instances: readonly ShownInstance[],
  edges: readonly GraphEdge[],
): WireArchitecture {
  const listed = instances.filter(({ condition }) => condition !== 'gone');
  const dependencies = Map.groupBy(edges, ({ from }) => from);
  const names = new Set(services.map(({ name }) => name));
  return {
    source: '',
    time: 0,
    services: services.map(({ name }) => ({
      name,
      offers: [],
      dependencies: (dependencies.get(name) ?? [])
        .filter(({ isDeclared }) => isDeclared)
        .map(({ to }) => to),
      isDeclared: true,
    })),
    interfaces: [],
    stores: [],
    configuration: [],
    nodes: listed.map(({ service, id, address }) => ({
      service,
      instance: id,
      address,
      isLive: true,
    })),
    calls: edges
      // A program that offers nothing is no service.
      .filter(({ from }) => names.has(from))
      .map((edge) => ({
        caller: edge.from,
        interface: '',
        provider: edge.to,
        sources: sourcesOf(edge),
      })),
    rules: [],
  };
}
