import type { VNode } from 'preact';
import {
  Canvas,
  type Colours,
  type Drawing,
  type DrawingStyle,
  type DrawnElement,
} from './canvas.ts';
import { millisText, numberText, shareText } from './format.ts';
import { html } from './html.ts';
import { labelPlaces } from './label-places.ts';
import { layeredLayout } from './layered-layout.ts';
import { setWay } from './link-way.ts';
import type { GraphEdge, GraphNode, MeshGraph } from './mesh-graph.ts';
import { serviceHref } from './router.ts';

const NODE_HEIGHT = 54;
const LABEL = { width: 132, height: 34 } as const;

function style({ text, card, back, quiet, fine, warn, bad, busy }: Colours): DrawingStyle {
  return [
    {
      selector: 'node',
      style: {
        label: 'data(label)',
        color: text,
        'font-size': 13,
        'line-height': 1.25,
        'text-wrap': 'wrap',
        'text-valign': 'center',
        shape: 'round-rectangle',
        width: 'data(width)',
        height: NODE_HEIGHT,
        'background-color': card,
        'border-width': 2,
        'border-color': fine,
      },
    },
    {
      selector: 'node[state = "draining"], node[state = "starting"]',
      style: { 'border-color': warn },
    },
    {
      selector: 'node[state = "down"], node[state = "gone"], node[state = "missing"]',
      style: { 'border-color': bad, 'border-width': 3 },
    },
    { selector: 'node[state = "missing"]', style: { 'border-style': 'dashed' } },
    {
      selector: 'node[state = "none"], node[state = "program"]',
      style: { 'border-color': quiet, 'border-style': 'dashed' },
    },
    {
      selector: 'edge',
      style: {
        label: 'data(label)',
        color: text,
        'font-size': 11,
        'line-height': 1.2,
        'min-zoomed-font-size': 6,
        'text-wrap': 'wrap',
        'text-background-color': back,
        'text-background-opacity': 0.92,
        'text-background-padding': '2px',
        'text-background-shape': 'roundrectangle',
        'curve-style': 'bezier',
        'target-arrow-shape': 'triangle',
        'arrow-scale': 1.1,
        width: 'data(width)',
        'line-color': busy,
        'target-arrow-color': busy,
      },
    },
    {
      selector: 'edge[state = "idle"]',
      style: { 'line-style': 'dashed', 'line-color': quiet, 'target-arrow-color': quiet },
    },
    {
      selector: 'edge[state = "failing"]',
      style: { 'line-color': bad, 'target-arrow-color': bad },
    },
  ];
}

const nodeId = (name: string) => `node ${name}`;

function nodeData({ id, state, note }: GraphNode) {
  const longest = Math.max(id.length, note.length);
  const width = 36 + 7.4 * longest;
  return { id: nodeId(id), name: id, state, label: `${id}\n${note}`, width };
}

function edgeData({ id, from, to, traffic }: GraphEdge) {
  const { rate, errors, p50Ms, p99Ms } = traffic ?? { rate: 0, errors: 0, p50Ms: 0, p99Ms: 0 };
  const failing = errors > 0 ? ` · ${shareText(errors, rate)} failed` : '';
  const latency = `p50 ${millisText(p50Ms)} · p99 ${millisText(p99Ms)}`;
  return {
    id: `edge ${id}`,
    source: nodeId(from),
    target: nodeId(to),
    state: errors > 0 ? 'failing' : rate > 0 ? 'busy' : 'idle',
    width: 1.5 + Math.min(6, Math.log2(1 + rate) / 1.5),
    label: rate > 0 ? `${numberText(rate)}/s${failing}\n${latency}` : '',
  };
}

/** Callers before those they call, and the label of each edge where it covers nothing. */
function place(cy: Drawing, isDown: boolean): void {
  const boxes = cy.nodes().map((node) => {
    return { id: node.id(), width: Number(node.data('width')), height: NODE_HEIGHT };
  });
  const links = cy.edges().map((edge) => {
    return { id: edge.id(), from: edge.source().id(), to: edge.target().id() };
  });
  const layerGap = isDown ? 96 : LABEL.width + 90;
  const { centres, bends } = layeredLayout(boxes, links, {
    isDown,
    gap: 34,
    layerGap,
    lane: isDown ? LABEL.width : LABEL.height,
  });
  cy.batch(() => {
    for (const [id, centre] of centres) cy.getElementById(id).position(centre);
    const straight = links.flatMap(({ id, from, to }) => {
      const [start, end] = [centres.get(from), centres.get(to)];
      if (start === undefined || end === undefined || bends.has(id)) return [];
      return { id, from: start, to: end };
    });
    const taken = boxes.flatMap((box) => {
      const centre = centres.get(box.id);
      return centre === undefined ? [] : { ...box, ...centre };
    });
    const shifts = labelPlaces(straight, LABEL, taken);
    cy.edges().forEach((edge) => {
      setWay(edge, bends.get(edge.id()) ?? []);
      const { x, y } = shifts.get(edge.id()) ?? { x: 0, y: 0 };
      edge.style({ 'text-margin-x': x, 'text-margin-y': y });
    });
  });
}

function open({ state, name }: Readonly<Record<string, unknown>>): void {
  if (state !== 'program') location.hash = serviceHref(String(name));
}

/** The graph on a canvas. */
export function GraphDrawing({ graph }: { graph: MeshGraph }): VNode {
  const elements: DrawnElement[] = [
    ...graph.nodes.map((node) => ({ data: nodeData(node) })),
    ...graph.edges.map((edge) => ({ data: edgeData(edge) })),
  ];
  return html`<${Canvas} id="graph" elements=${elements} style=${style} place=${place} onTap=${open}
    label="Services and the traffic between them, as the table below has it" />`;
}
