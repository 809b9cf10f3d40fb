import cytoscape from 'cytoscape';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { numberText, shareText } from './format.ts';
import { html } from './html.ts';
import type { GraphEdge, GraphNode, MeshGraph } from './mesh-graph.ts';
import { serviceHref } from './router.ts';
import { theme } from './theme.ts';

function colours() {
  const styles = getComputedStyle(document.documentElement);
  const of = (name: string) => styles.getPropertyValue(name).trim();
  return {
    text: of('--bs-body-color'),
    back: of('--bs-tertiary-bg'),
    quiet: of('--bs-secondary'),
    fine: of('--bs-success'),
    warn: of('--bs-warning'),
    bad: of('--bs-danger'),
    busy: of('--bs-primary'),
  };
}

function style(): cytoscape.StylesheetJson {
  const { text, back, quiet, fine, warn, bad, busy } = colours();
  return [
    {
      selector: 'node',
      style: {
        label: 'data(label)',
        color: text,
        'font-size': 13,
        'text-wrap': 'wrap',
        'text-max-width': '160px',
        'text-valign': 'bottom',
        'text-margin-y': 6,
        width: 34,
        height: 34,
        'background-color': fine,
        'border-width': 3,
        'border-color': back,
      },
    },
    {
      selector: 'node[state = "draining"], node[state = "starting"]',
      style: { 'background-color': warn },
    },
    {
      selector: 'node[state = "down"], node[state = "gone"], node[state = "missing"]',
      style: { 'background-color': bad },
    },
    { selector: 'node[state = "missing"], node[state = "none"]', style: { shape: 'diamond' } },
    { selector: 'node[state = "none"]', style: { 'background-color': quiet } },
    {
      selector: 'node[state = "program"]',
      style: { 'background-color': quiet, shape: 'round-rectangle' },
    },
    {
      selector: 'edge',
      style: {
        label: 'data(label)',
        color: text,
        'font-size': 11,
        'text-background-color': back,
        'text-background-opacity': 0.9,
        'text-background-padding': '3px',
        'curve-style': 'bezier',
        'target-arrow-shape': 'triangle',
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

function nodeData({ id, state, count }: GraphNode) {
  const note = state === 'program' ? '' : `\n${count === 1 ? '1 instance' : `${count} instances`}`;
  return { id: `node ${id}`, name: id, state, label: `${id}${note}` };
}

function edgeData({ id, from, to, traffic }: GraphEdge) {
  const rate = traffic?.rate ?? 0;
  const errors = traffic?.errors ?? 0;
  const failing = errors > 0 ? ` (${shareText(errors, rate)} failed)` : '';
  return {
    id: `edge ${id}`,
    source: `node ${from}`,
    target: `node ${to}`,
    state: errors > 0 ? 'failing' : rate > 0 ? 'busy' : 'idle',
    width: 1.5 + Math.min(6, Math.log2(1 + rate) / 1.5),
    label: rate > 0 ? `${numberText(rate)}/s${failing}` : '',
  };
}

/** Brings what is drawn to what is; answers whether nodes or edges came or went. */
function update(cy: cytoscape.Core, { nodes, edges }: MeshGraph): boolean {
  let isOther = false;
  cy.batch(() => {
    const wanted = new Map<string, cytoscape.ElementDefinition>();
    for (const node of nodes) {
      const data = nodeData(node);
      wanted.set(data.id, { group: 'nodes', data });
    }
    for (const edge of edges) {
      const data = edgeData(edge);
      wanted.set(data.id, { group: 'edges', data });
    }
    const gone = cy.elements().filter((element) => !wanted.has(element.id()));
    if (gone.nonempty()) {
      gone.remove();
      isOther = true;
    }
    for (const [id, definition] of wanted) {
      const known = cy.getElementById(id);
      if (known.nonempty()) known.data(definition.data);
      else {
        cy.add(definition);
        isOther = true;
      }
    }
  });
  return isOther;
}

/** Callers before those they call: side by side where there is room, else one below the other. */
function arrange(cy: cytoscape.Core): void {
  const roots = cy.nodes().roots();
  const isWide = cy.width() > cy.height();
  const options = {
    directed: true,
    padding: 40,
    spacingFactor: 1.4,
    nodeDimensionsIncludeLabels: true,
    direction: isWide ? 'rightward' : 'downward',
    ...(roots.nonempty() && { roots }),
  };
  cy.layout({ name: 'breadthfirst', ...options }).run();
}

/** The graph on a canvas, to look at and click on; the page says the same in a table. */
export function GraphDrawing({ graph }: { graph: MeshGraph }): VNode {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<cytoscape.Core>(null);

  useEffect(() => {
    const cy = cytoscape({ container: holder.current, userZoomingEnabled: false, maxZoom: 1.6 });
    cy.on('tap', 'node', ({ target }) => {
      if (target.data('state') !== 'program') location.hash = serviceHref(target.data('name'));
    });
    drawn.current = cy;
    return () => {
      cy.destroy();
      drawn.current = null;
    };
  }, []);

  useEffect(() => {
    drawn.current?.style(style());
  }, [theme.value]);

  useEffect(() => {
    const cy = drawn.current;
    if (cy !== null && update(cy, graph)) arrange(cy);
  }, [graph]);

  return html`<div class="graph" ref=${holder} role="img" id="graph"
    aria-label="Services and the traffic between them, as the table below has it"></div>`;
}
