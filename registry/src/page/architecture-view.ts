import type { VNode } from 'preact';
import { ArchitectureDrawing } from './architecture-drawing.ts';
import { ArchitectureTables, RuleList } from './architecture-tables.ts';
import { agoText } from './format.ts';
import { html } from './html.ts';
import { knownArchitecture } from './known-architecture.ts';
import { frame, mesh } from './live.ts';
import { meshGraph } from './mesh-graph.ts';
import type { WireArchitecture } from './wire.ts';

/** After so long without a word of it, it may no longer be as it is; it is told every 10 s. */
const OLD_MS = 60_000;

function Source({ architecture }: { architecture: WireArchitecture }): VNode {
  const { source, time } = architecture;
  if (source === '') {
    return html`<p class="alert alert-info" id="incomplete">
      Nobody has published the architecture of this mesh, as <code>weft up</code> does. This is what the registry
      itself knows: services, nodes and who calls whom; interfaces, data stores, configuration and the rules are missing.
    </p>`;
  }
  const ago = Date.now() - time;
  const isOld = ago > OLD_MS;
  return html`<p class=${isOld ? 'alert alert-warning' : 'text-body-secondary'}>
    As derived by ${source}${isOld && `, which has said nothing for ${agoText(ago)}`}.
  </p>`;
}

const LEGEND = [
  ['service', 'S service'],
  ['interface', 'I interface'],
  ['store', 'D data store'],
  ['configuration', 'C configuration'],
  ['node', 'N node'],
  ['seen', 'M called'],
  ['declared', 'M declared, not called of late'],
  ['undeclared', 'M called, not declared'],
] as const;

function Legend(): VNode {
  return html`<ul class="legend list-unstyled small" aria-label="Legend">${LEGEND.map(
    ([kind, text]) =>
      html`<li key=${kind}><span class="sign sign-${kind}" aria-hidden="true"></span>${text}</li>`,
  )}</ul>`;
}

/** MS = (S, I, D, C, N, M), drawn and as tables. */
export function ArchitectureView(): VNode {
  frame.value;
  const services = mesh.services();
  const { edges } = meshGraph(services, mesh.instances, mesh.edges);
  const architecture = mesh.architecture ?? knownArchitecture(services, mesh.instances, edges);
  return html`<h1 class="h3 mb-1">Architecture <small class="text-body-secondary formula">MS = (S, I, D, C, N, M)</small></h1>
    <${Source} architecture=${architecture} />
    <${ArchitectureDrawing} architecture=${architecture} />
    <${Legend} />
    ${architecture.rules.length > 0 && html`<${RuleList} rules=${architecture.rules} />`}
    <${ArchitectureTables} architecture=${architecture} />`;
}
