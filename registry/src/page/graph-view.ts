import type { VNode } from 'preact';
import { millisText, numberText, shareText } from './format.ts';
import { GraphDrawing } from './graph-drawing.ts';
import { html } from './html.ts';
import { frame, mesh } from './live.ts';
import { type GraphEdge, meshGraph } from './mesh-graph.ts';
import { serviceHref } from './router.ts';

function Row({ edge }: { edge: GraphEdge }): VNode {
  const { from, to, isDeclared, traffic } = edge;
  return html`<tr>
    <td>${from}</td>
    <td><a href=${serviceHref(to)}>${to}</a></td>
    <td>${isDeclared ? 'yes' : 'no'}</td>
    <td class="number">${numberText(traffic?.rate ?? 0)}</td>
    <td class="number">${shareText(traffic?.errors ?? 0, traffic?.rate ?? 0)}</td>
    <td class="number">${millisText(traffic?.p50Ms ?? 0)}</td>
    <td class="number">${millisText(traffic?.p99Ms ?? 0)}</td>
  </tr>`;
}

/** Who depends on whom, and the traffic between them: drawn, and as a table. */
export function GraphView(): VNode {
  frame.value;
  const graph = meshGraph(mesh.services(), mesh.instances, mesh.edges);
  return html`<h1 class="h3 mb-3">Dependency graph</h1>
    <p class="text-body-secondary">
      A dashed line is a dependency that instances declare and that carries no traffic now. The table below says the same.
    </p>
    <${GraphDrawing} graph=${graph} />
    <h2 class="h5 mt-4">Edges</h2>
    <div class="table-responsive"><table class="table table-hover">
      <caption class="visually-hidden">Edges of the dependency graph</caption>
      <thead><tr>
        <th scope="col">From</th><th scope="col">To</th>
        <th scope="col">Declared</th>
        <th scope="col" class="number">Calls/s</th><th scope="col" class="number">Errors</th>
        <th scope="col" class="number">p50</th>
        <th scope="col" class="number">p99</th>
      </tr></thead>
      <tbody>${graph.edges.map((edge) => html`<${Row} key=${edge.id} edge=${edge} />`)}</tbody>
    </table></div>`;
}
