import type { VNode } from 'preact';
import { type ArchitectureBoxes, architectureBoxes } from './architecture-boxes.ts';
import {
  Canvas,
  type Colours,
  type Drawing,
  type DrawingStyle,
  type DrawnElement,
} from './canvas.ts';
import { html } from './html.ts';
import { layeredLayout } from './layered-layout.ts';
import { setWay } from './link-way.ts';
import { serviceHref } from './router.ts';
import type { WireArchitecture } from './wire.ts';

function style({
  text,
  muted,
  card,
  back,
  line,
  quiet,
  fine,
  warn,
  bad,
  busy,
}: Colours): DrawingStyle {
  return [
    {
      selector: 'node',
      style: {
        label: 'data(label)',
        color: text,
        'font-size': 12,
        'text-valign': 'center',
        shape: 'round-rectangle',
        width: 'data(width)',
        height: 'data(height)',
        'background-color': back,
        'border-width': 1,
        'border-color': line,
        'z-index-compare': 'manual',
        'z-index': 3,
      },
    },
    {
      selector: 'node[kind = "service"]',
      style: {
        'background-color': card,
        'border-width': 2,
        'border-color': busy,
        'font-size': 14,
        'font-weight': 'bold',
        'text-valign': 'top',
        'text-margin-y': 26,
        'corner-radius': '12',
        'z-index': 1,
      },
    },
    { selector: 'node[?isUnknown]', style: { 'border-color': quiet, 'border-style': 'dashed' } },
    { selector: 'node[?isBroken]', style: { 'border-color': bad, 'border-width': 3 } },
    {
      selector: 'node[kind = "interface"]',
      style: { 'corner-radius': '15', 'border-color': busy },
    },
    { selector: 'node[kind = "store"]', style: { shape: 'barrel', 'border-color': warn } },
    {
      selector: 'node[kind = "configuration"]',
      style: { shape: 'tag', color: muted, 'border-color': quiet },
    },
    {
      selector: 'node[kind = "node"]',
      style: { shape: 'cut-rectangle', 'border-color': fine, 'font-size': 11 },
    },
    {
      selector: 'node[kind = "node"][!isLive]',
      style: { 'border-color': quiet, 'border-style': 'dashed', color: muted },
    },
    {
      selector: 'edge',
      style: {
        'curve-style': 'bezier',
        'target-arrow-shape': 'triangle',
        'arrow-scale': 1.2,
        width: 2,
        'line-color': busy,
        'target-arrow-color': busy,
        'z-index-compare': 'manual',
        'z-index': 2,
      },
    },
    {
      selector: 'edge[how = "declared"]',
      style: { 'line-style': 'dashed', 'line-color': quiet, 'target-arrow-color': quiet },
    },
    {
      selector: 'edge[how = "undeclared"]',
      style: { 'line-color': bad, 'target-arrow-color': bad },
    },
  ];
}

function elementsOf({ services, arrows }: ArchitectureBoxes): DrawnElement[] {
  return [
    ...services.flatMap(({ id, name, width, height, isBroken, isKnown, parts }) => [
      {
        data: {
          id,
          kind: 'service',
          label: name,
          name,
          width,
          height,
          isBroken,
          isUnknown: !isKnown,
        },
      },
      ...parts.map(({ offset, ...part }) => ({ data: { ...part, name, on: id, ...offset } })),
    ]),
    ...arrows.map(({ id, from, target, to, how }) => ({
      data: { id, source: from, target, to, how },
    })),
  ];
}

/** Callers before those they call, everything of a service on its box. */
function place(cy: Drawing, isDown: boolean): void {
  const boxes = cy.nodes('[kind = "service"]').map((node) => {
    return {
      id: node.id(),
      width: Number(node.data('width')),
      height: Number(node.data('height')),
    };
  });
  const links = cy.edges().map((edge) => {
    return { id: edge.id(), from: edge.source().id(), to: String(edge.data('to')) };
  });
  const options = { isDown, gap: 40, layerGap: isDown ? 70 : 120, lane: 24 };
  const { centres, bends } = layeredLayout(boxes, links, options);
  cy.batch(() => {
    for (const [id, centre] of centres) cy.getElementById(id).position(centre);
    cy.nodes('[on]').forEach((part) => {
      const { x, y } = centres.get(part.data('on')) ?? { x: 0, y: 0 };
      part.position({ x: x + Number(part.data('x')), y: y + Number(part.data('y')) });
    });
    for (const { id, to } of links) {
      const edge = cy.getElementById(id);
      setWay(edge, bends.get(id) ?? []);
      // From above, it would cross the name of the service on its way to an interface.
      const top = (centres.get(to)?.y ?? 0) - Number(cy.getElementById(to).data('height')) / 2;
      const above = top - edge.target().position().y;
      edge.style('target-endpoint', isDown ? `0px ${above}px` : 'outside-to-node');
    }
  });
}

function open({ name }: Readonly<Record<string, unknown>>): void {
  location.hash = serviceHref(String(name));
}

/** The six sets on a canvas. */
export function ArchitectureDrawing({ architecture }: { architecture: WireArchitecture }): VNode {
  return html`<${Canvas} id="architecture" elements=${elementsOf(architectureBoxes(architecture))}
    style=${style} place=${place} onTap=${open}
    label="The services with their interfaces, stores, configuration and nodes, and who calls whom, as the tables below have it" />`;
}
