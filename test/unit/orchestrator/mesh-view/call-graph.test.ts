import { describe, expect, it } from '@jest/globals';
import { callGraph, isUndeclared } from '../../../../orchestrator/src/mesh-view/call-graph.ts';
import { graphDot, graphMermaid } from '../../../../orchestrator/src/output/graph-diagrams.ts';
import { graphTree } from '../../../../orchestrator/src/output/graph-tree.ts';
import { edge, listed } from './instances.ts';

const plain = { isColored: false };

const graph = callGraph(
  [
    listed({ service: 'payment', dependencies: ['order'] }),
    listed({ service: 'order', dependencies: ['user', 'lost'] }),
    listed({ service: 'user' }),
  ],
  [
    edge('order', 'user', { errorRate: 1 }),
    edge('payment', 'user'),
    edge('', 'order', { caller: { service: '', instanceId: 'buy"it@host:1' } }),
    edge('user', 'payment', { rate: 0 }),
  ],
);

describe('the graph of a mesh', () => {
  it('joins what is declared and what was seen; who offers nothing declares nothing', () => {
    const undeclared = graph.edges.filter((each) => isUndeclared(graph, each));
    expect(undeclared.map(({ from, to }) => `${from} ${to}`)).toEqual(['payment user']);
    expect(graph.edges).toHaveLength(5);
    expect(graph.nodes.map(({ name }) => name)).toEqual([
      'lost',
      'order',
      'payment',
      'user',
      'buy"it@host:1',
    ]);
  });

  it('is a tree from those whom nobody calls', () => {
    expect(graphTree(graph, plain).split('\n')).toEqual([
      'payment',
      '├─ order  no calls seen',
      '│  ├─ lost (not registered)  no calls seen',
      '│  └─ user  10/s, 10% errors, p99 5.0 ms',
      '└─ user  10/s, 0% errors, p99 5.0 ms  not declared',
      'buy"it@host:1 (offers no service)',
      '└─ order  10/s, 0% errors, p99 5.0 ms  see above',
    ]);
  });

  it('ends where services call one another, or themselves', () => {
    const round = callGraph([], [edge('a', 'b'), edge('b', 'a'), edge('b', 'b')]);
    const lines = graphTree(round, plain).split('\n');
    expect(lines.map((line) => line.replace(/ {2}\d.* ms/, ''))).toEqual([
      'a (not registered)',
      '└─ b (not registered)  not declared',
      '   ├─ a (not registered)  not declared  see above',
      '   └─ b (not registered)  not declared  see above',
    ]);
  });

  it('is written for Graphviz and Mermaid, whatever the names', () => {
    const dot = graphDot(graph);
    expect(dot).toContain('  "buy\\"it@host:1" [shape=ellipse];');
    expect(dot).toContain('  "lost" [shape=box, style=dashed];');
    expect(dot).toContain('  "order" -> "lost" [label="no calls seen", style=dashed];');
    expect(dot).toMatch(/"payment" -> "user" \[label="10\/s.*", color=red\];/);
    const mermaid = graphMermaid(graph);
    expect(mermaid).toContain('  n4(["buy#quot;it@host:1"])');
    expect(mermaid).toContain('  n1 -.->|"no calls seen"| n0');
    expect(mermaid).toMatch(/linkStyle 4 stroke:red$/);
  });
});
