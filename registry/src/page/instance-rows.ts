import type { VNode } from 'preact';
import { ActionButtons } from './action-buttons.ts';
import { ConditionBadge } from './condition-badge.ts';
import { agoText, millisText, numberText, shareText } from './format.ts';
import { html } from './html.ts';
import { mesh } from './live.ts';
import { keyOf, type ShownInstance } from './mesh-model.ts';
import { serviceHref } from './router.ts';
import { RowWindow } from './row-window.ts';

/** What is known of a lease: this registry cannot tell when another replica renewed it. */
function LeaseText({ instance }: { instance: ShownInstance }): VNode {
  const { ttlSeconds, leaseId, goneAt } = instance;
  if (goneAt > 0) return html`<span>ended</span>`;
  const ago = mesh.renewedAgoMs(instance);
  const title =
    ago === undefined
      ? `lease ${leaseId}: ${ttlSeconds} s; renewed through another registry, if at all`
      : `lease ${leaseId}: renewed ${agoText(ago)} ago, as far as this registry knows`;
  const left = ago === undefined ? undefined : Math.max(0, Math.ceil(ttlSeconds - ago / 1000));
  if (left === undefined) return html`<span title=${title}>TTL ${ttlSeconds} s</span>`;
  return html`<span class="lease" title=${title}>
    <span class="lease-left">${left} s</span>
    <span class="lease-bar"><span style=${{ width: `${(100 * left) / ttlSeconds}%` }}></span></span>
  </span>`;
}

interface InstanceRowsProps {
  instances: readonly ShownInstance[];
  /** Whether the service is named in each row. */
  hasService: boolean;
}

/** A table of instances. */
export function InstanceRows({ instances, hasService }: InstanceRowsProps): VNode {
  const { hasActions } = mesh;
  // Columns that would be the same for all are left out.
  const hasVersion = instances.some(({ version }) => version !== '');
  const hasZone = instances.some(({ zone }) => zone !== '');
  const hasWeight = instances.some(({ weight }) => weight !== 1);
  const broken = new Set(mesh.breakers.map(({ service, instance }) => keyOf(service, instance)));
  const head = html`<tr>
    <th scope="col" class="w-state">State</th>
    ${hasService && html`<th scope="col">Service</th>`}
    <th scope="col">Instance</th>
    <th scope="col" class="w-address d-none d-sm-table-cell">Address</th>
    ${hasVersion && html`<th scope="col" class="w-short d-none d-md-table-cell">Version</th>`}
    ${hasZone && html`<th scope="col" class="w-short d-none d-md-table-cell">Zone</th>`}
    ${hasWeight && html`<th scope="col" class="w-short d-none d-xl-table-cell">Weight</th>`}
    <th scope="col" class="w-short d-none d-lg-table-cell">Lease</th>
    <th scope="col" class="w-short d-none d-sm-table-cell number">Calls/s</th>
    <th scope="col" class="w-short d-none d-sm-table-cell number">Errors</th>
    <th scope="col" class="w-short d-none d-lg-table-cell number">p99</th>
    ${hasActions && html`<th scope="col" class="w-actions">Actions</th>`}
  </tr>`;
  const row = (instance: ShownInstance, index: number) => {
    const { service, id, address, version, zone, weight, condition } = instance;
    const traffic = mesh.trafficOf(instance);
    return html`<tr key=${keyOf(service, id)} aria-rowindex=${index + 2}
      class="row-of ${condition === 'gone' ? 'gone' : ''}" data-instance=${id}>
      <td><${ConditionBadge} instance=${instance} /></td>
      ${hasService && html`<td><a href=${serviceHref(service)}>${service}</a></td>`}
      <td title=${id}>${id}</td>
      <td class="d-none d-sm-table-cell" title=${address}><code class="text-reset">${address}</code></td>
      ${hasVersion && html`<td class="d-none d-md-table-cell" title=${version}>${version}</td>`}
      ${hasZone && html`<td class="d-none d-md-table-cell" title=${zone}>${zone}</td>`}
      ${hasWeight && html`<td class="d-none d-xl-table-cell">${weight}</td>`}
      <td class="d-none d-lg-table-cell"><${LeaseText} instance=${instance} /></td>
      <td class="d-none d-sm-table-cell number">${numberText(traffic?.rate ?? 0)}</td>
      <td class="d-none d-sm-table-cell number">${shareText(traffic?.errors ?? 0, traffic?.rate ?? 0)}</td>
      <td class="d-none d-lg-table-cell number">${millisText(traffic?.p99Ms ?? 0)}</td>
      ${
        hasActions &&
        html`<td><${ActionButtons} instance=${instance}
        isBroken=${broken.has(keyOf(service, id))} /></td>`
      }
    </tr>`;
  };
  return html`<${RowWindow} caption="Instances" head=${head} columns=${12} rows=${instances} row=${row} />`;
}
