import pc from 'picocolors';
import { type CallGraph, type GraphEdge, isUndeclared } from '../mesh-view/call-graph.ts';
import { latencyText, rateText, shareText } from './traffic-text.ts';

/** What an edge says of itself, in words. */
export function edgeText({ traffic }: GraphEdge): string {
  if (traffic === undefined) return 'no calls seen';
  const { callsPerSecond, errorsPerSecond, p99Ms } = traffic;
  const errors = shareText(errorsPerSecond, callsPerSecond);
  return `${rateText(callsPerSecond)}/s, ${errors} errors, p99 ${latencyText(p99Ms)}`;
}

/**
 * The graph as trees, from those whom nobody calls down; each service is drawn out once. Edges that
 * were seen and not declared are marked.
 */
export function graphTree(graph: CallGraph, { isColored }: { isColored: boolean }): string {
  const { nodes, edges } = graph;
  const colors = pc.createColors(isColored);
  const drawn = new Set<string>();
  const lines: string[] = [];
  const titleOf = (name: string) => {
    const node = nodes.find((each) => each.name === name);
    if (node?.isService === false) return `${name} ${colors.dim('(offers no service)')}`;
    const isMissing = node?.isListed === false;
    return isMissing ? `${name} ${colors.red('(not registered)')}` : colors.bold(name);
  };
  const below = (name: string, indent: string) => {
    drawn.add(name);
    const own = edges.filter(({ from }) => from === name);
    for (const [index, edge] of own.entries()) {
      const isLast = index === own.length - 1;
      const isRepeated = drawn.has(edge.to) && edges.some(({ from }) => from === edge.to);
      const marks = [
        colors.dim(edgeText(edge)),
        ...(isUndeclared(graph, edge) ? [colors.yellow('not declared')] : []),
        ...(isRepeated ? [colors.dim('see above')] : []),
      ];
      lines.push(`${indent}${isLast ? '└─' : '├─'} ${titleOf(edge.to)}  ${marks.join('  ')}`);
      if (!isRepeated) below(edge.to, `${indent}${isLast ? '   ' : '│  '}`);
    }
  };
  const isCalled = (name: string) => edges.some(({ to, from }) => to === name && from !== name);
  // After those whom nobody calls come those who only call one another.
  const begin = [...nodes].sort((a, b) => Number(isCalled(a.name)) - Number(isCalled(b.name)));
  for (const { name } of begin) {
    if (drawn.has(name)) continue;
    lines.push(titleOf(name));
    below(name, '');
  }
  return lines.join('\n');
}
