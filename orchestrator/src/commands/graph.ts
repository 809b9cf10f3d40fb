import { type Command, Option } from 'commander';
import { type CallGraph, callGraph, isUndeclared } from '../mesh-view/call-graph.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { trafficJson } from '../mesh-view/traffic.ts';
import { examplesText } from '../output/examples.ts';
import { graphDot, graphMermaid } from '../output/graph-diagrams.ts';
import { graphTree } from '../output/graph-tree.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { askRegistry, firstOf } from './ask-registry.ts';
import { addRegistryOption } from './registry-option.ts';

function graphJson(graph: CallGraph): object {
  return {
    nodes: graph.nodes.map(({ name, isService, isListed }) => ({
      name,
      service: isService,
      registered: isListed,
    })),
    edges: graph.edges.map((edge) => ({
      from: edge.from,
      to: edge.to,
      declared: edge.isDeclared,
      seen: edge.traffic !== undefined,
      undeclared: isUndeclared(graph, edge),
      ...(edge.traffic && trafficJson(edge.traffic)),
    })),
  };
}

interface GraphOptions {
  readonly dot?: boolean;
  readonly mermaid?: boolean;
  readonly json?: boolean;
}

export function define(command: Command): void {
  addRegistryOption(command)
    .addOption(new Option('--dot', 'print it for Graphviz').conflicts(['mermaid', 'json']))
    .addOption(new Option('--mermaid', 'print it for Mermaid').conflicts(['json']))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A service that calls another without naming it among its dependencies is marked: not declared.
${examplesText([
  ['graph', 'as a tree'],
  ['graph --dot | dot -Tsvg > mesh.svg', ''],
  ['graph --json', '{"nodes": [...], "edges": [...]}'],
])}`,
    )
    .action(async ({ dot, mermaid, json }: GraphOptions, command: Command) => {
      await askRegistry(command, async ({ registry, telemetry }) => {
        const [{ items }, { services }] = await Promise.all([
          readInstances(registry),
          firstOf((options) => telemetry.watchTraffic({}, options)),
        ]);
        const graph = callGraph(items, services);
        if (json) return printJson(graphJson(graph));
        if (dot) return print(graphDot(graph));
        if (mermaid) return print(graphMermaid(graph));
        if (graph.nodes.length === 0) return printNews('no service is registered');
        print(graphTree(graph, { isColored }));
      });
    });
}
