import { conditionsText, worstOf } from './condition.ts';
import type { ServiceSummary, ShownInstance } from './mesh-model.ts';
import type { WireEdge } from './wire.ts';

export interface GraphNode {
  id: string;
  /** Of the service; `program` for a caller that offers none, `missing` for one nobody offers. */
  state: ReturnType<typeof worstOf> | 'program' | 'missing';
  /** How its instances are, in words. */
  note: string;
}

export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  /** Whether an instance names it as a dependency. */
  isDeclared: boolean;
  traffic: WireEdge | undefined;
}

export interface MeshGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Services and programs as nodes; declared dependencies and traffic as edges. */
export function meshGraph(
  services: readonly ServiceSummary[],
  instances: readonly ShownInstance[],
  traffic: readonly WireEdge[],
): MeshGraph {
  const nodes = new Map<string, GraphNode>(
    services.map((service) => {
      const { name: id } = service;
      return [id, { id, state: worstOf(service), note: conditionsText(service) }];
    }),
  );
  const edges = new Map<string, GraphEdge>();
  const edge = (from: string, to: string) => {
    const id = `${from}\n${to}`;
    const known = edges.get(id) ?? { id, from, to, isDeclared: false, traffic: undefined };
    edges.set(id, known);
    return known;
  };
  const add = (id: string, state: 'program' | 'missing') => {
    const note = state === 'program' ? 'program' : 'not registered';
    if (!nodes.has(id)) nodes.set(id, { id, state, note });
  };
  for (const { service, dependencies } of instances) {
    for (const name of dependencies) {
      add(name, 'missing');
      edge(service, name).isDeclared = true;
    }
  }
  for (const each of traffic) {
    if (each.caller === '') continue;
    add(each.caller, 'program');
    add(each.service, 'missing');
    edge(each.caller, each.service).traffic = each;
  }
  const sorted = [...edges.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { nodes: [...nodes.values()], edges: sorted };
}
