import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { html } from './html.ts';
import { InstanceRows } from './instance-rows.ts';
import { frame, mesh } from './live.ts';
import { matches, SearchBox } from './search-box.ts';

const query = signal('');

/** Every instance there is. */
export function InstancesView(): VNode {
  frame.value;
  const shown = mesh.instances.filter(
    ({ service, id, address, version, zone, condition, status }) =>
      matches(query.value, [service, id, address, version, zone, condition, status]),
  );
  return html`<h1 class="h3 mb-3">Instances <small class="text-body-secondary">${mesh.size}</small></h1>
    <${SearchBox} query=${query} label="Search by service, id, address, version, zone, state"
      shown=${shown.length} />
    <${InstanceRows} instances=${shown} hasService=${true} />`;
}
