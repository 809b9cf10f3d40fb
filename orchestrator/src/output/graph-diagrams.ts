import { type CallGraph, isUndeclared } from '../mesh-view/call-graph.ts';
import { edgeText } from './graph-tree.ts';

const dotText = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** The graph for Graphviz. Seen and not declared: red; declared and not seen: dashed. */
export function graphDot(graph: CallGraph): string {
  const nodes = graph.nodes.map(({ name, isService, isListed }) => {
    const shape = isService ? 'box' : 'ellipse';
    return `  ${dotText(name)} [shape=${shape}${isService && !isListed ? ', style=dashed' : ''}];`;
  });
  const edges = graph.edges.map((edge) => {
    const style = edge.traffic === undefined ? ', style=dashed' : '';
    const color = isUndeclared(graph, edge) ? ', color=red' : '';
    const label = dotText(edgeText(edge));
    return `  ${dotText(edge.from)} -> ${dotText(edge.to)} [label=${label}${style}${color}];`;
  });
  return ['digraph mesh {', '  rankdir=LR;', ...nodes, ...edges, '}'].join('\n');
}

const mermaidText = (text: string) => `"${text.replaceAll('"', '#quot;')}"`;

/** The graph for Mermaid. Seen and not declared: red; declared and not seen: dotted. */
export function graphMermaid(graph: CallGraph): string {
  const ids = new Map(graph.nodes.map(({ name }, index) => [name, `n${index}`]));
  const nodes = graph.nodes.map(({ name, isService }) => {
    const text = mermaidText(name);
    return `  ${ids.get(name)}${isService ? `[${text}]` : `([${text}])`}`;
  });
  const edges = graph.edges.map((edge) => {
    const arrow = edge.traffic === undefined ? '-.->' : '-->';
    const label = mermaidText(edgeText(edge));
    return `  ${ids.get(edge.from)} ${arrow}|${label}| ${ids.get(edge.to)}`;
  });
  const red = graph.edges.flatMap((edge, index) => (isUndeclared(graph, edge) ? [index] : []));
  const style = red.length > 0 ? [`  linkStyle ${red.join(',')} stroke:red`] : [];
  return ['flowchart LR', ...nodes, ...edges, ...style].join('\n');
}
