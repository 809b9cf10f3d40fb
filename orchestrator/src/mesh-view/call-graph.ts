import type { Instance } from '@weft/proto/registry';
import type { TrafficEdge } from '@weft/proto/telemetry';
import { noTraffic, plus, type Traffic, trafficOf } from './traffic.ts';

/** A service, or a program that calls services and offers none. */
export interface GraphNode {
  readonly name: string;
  readonly isService: boolean;
  /** Whether it is registered; a dependency may be declared on what is not. */
  readonly isListed: boolean;
}

/** Who calls whom. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Whether an instance of `from` names `to` among its dependencies. */
  readonly isDeclared: boolean;
  /** What was seen in the last seconds; undefined for nothing. */
  readonly traffic: Traffic | undefined;
}

export interface CallGraph {
  /** By name, services first. */
  readonly nodes: readonly GraphNode[];
  /** By name of `from`, then `to`. */
  readonly edges: readonly GraphEdge[];
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Whether calls were seen that the caller, being a service, should have declared and has not. */
export function isUndeclared({ nodes }: CallGraph, { from, isDeclared, traffic }: GraphEdge) {
  const isService = nodes.some((node) => node.name === from && node.isService);
  return isService && !isDeclared && traffic !== undefined;
}

/**
 * The graph of a mesh: what its instances declare, and what its clients saw.
 * @param observed edges between services, from `WatchTraffic`
 */
export function callGraph(
  instances: readonly Instance[],
  observed: readonly TrafficEdge[],
): CallGraph {
  const nodes = new Map<string, GraphNode>();
  const edges = new Map<string, GraphEdge>();
  const meet = (name: string, isService: boolean, isListed = false) => {
    const known = nodes.get(name);
    if (known === undefined || (isListed && !known.isListed)) {
      nodes.set(name, { name, isService, isListed });
    }
  };
  const join = (from: string, to: string, isDeclared: boolean, traffic?: Traffic) => {
    const key = `${from}\n${to}`;
    const known = edges.get(key);
    const both = known?.traffic && traffic ? plus(known.traffic, traffic) : undefined;
    edges.set(key, {
      from,
      to,
      isDeclared: isDeclared || known?.isDeclared === true,
      traffic: both ?? traffic ?? known?.traffic,
    });
  };
  for (const { service, dependencies } of instances) {
    meet(service, true, true);
    for (const dependency of dependencies) {
      meet(dependency, true);
      join(service, dependency, true);
    }
  }
  for (const edge of observed) {
    const traffic = trafficOf(edge);
    if (traffic === noTraffic) continue;
    const { service = '', instanceId = '' } = edge.caller ?? {};
    const from = service || instanceId;
    meet(from, service !== '');
    meet(edge.service, true);
    join(from, edge.service, false, traffic);
  }
  return {
    nodes: [...nodes.values()].sort(
      (a, b) => Number(b.isService) - Number(a.isService) || byText(a.name, b.name),
    ),
    edges: [...edges.values()].sort((a, b) => byText(a.from, b.from) || byText(a.to, b.to)),
  };
}
