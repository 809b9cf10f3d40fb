import type { VNode } from 'preact';
import { ActionButtons } from './action-buttons.ts';
import { ConditionBadge } from './condition-badge.ts';
import { CutText } from './cut-text.ts';
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
    <th scope="col" class="w-address">Address</th>
    ${hasVersion && html`<th scope="col" class="w-short">Version</th>`}
    ${hasZone && html`<th scope="col" class="w-zone">Zone</th>`}
    ${hasWeight && html`<th scope="col" class="w-short">Weight</th>`}
    <th scope="col" class="w-short">Lease</th>
    <th scope="col" class="w-short number">Calls/s</th>
    <th scope="col" class="w-short number">Errors</th>
    <th scope="col" class="w-short number">p99</th>
    ${hasActions && html`<th scope="col" class="w-actions">Actions</th>`}
  </tr>`;
  // Where there is no room for a table, each row is a card, and `data-label` names its figures.
  const row = (instance: ShownInstance, index: number) => {
    const { service, id, address, version, zone, weight, condition } = instance;
    const traffic = mesh.trafficOf(instance);
    const rate = traffic?.rate ?? 0;
    return html`<tr key=${keyOf(service, id)} aria-rowindex=${index + 2}
      class="row-of ${condition === 'gone' ? 'gone' : ''}" data-instance=${id}>
      <td data-label="State" class="title"><${ConditionBadge} instance=${instance} /></td>
      ${
        hasService &&
        html`<td data-label="Service" class="wide"><a class="text-truncate" href=${serviceHref(service)}
          title=${service}>${service}</a></td>`
      }
      <td data-label="Instance" class="wide title"><${CutText} text=${id} /></td>
      <td data-label="Address" class="wide"><code class="text-reset overflow-hidden"><${CutText} text=${address} /></code></td>
      ${hasVersion && html`<td data-label="Version" title=${version}>${version}</td>`}
      ${hasZone && html`<td data-label="Zone" class="wide"><${CutText} text=${zone} /></td>`}
      ${hasWeight && html`<td data-label="Weight">${weight}</td>`}
      <td data-label="Lease"><${LeaseText} instance=${instance} /></td>
      <td data-label="Calls/s" class="number">${numberText(rate)}</td>
      <td data-label="Errors" class="number">${shareText(traffic?.errors ?? 0, rate)}</td>
      <td data-label="p99" class="number">${millisText(traffic?.p99Ms ?? 0)}</td>
      ${
        hasActions &&
        html`<td data-label="Actions" class="title actions-cell"><${ActionButtons} instance=${instance}
        isBroken=${broken.has(keyOf(service, id))} /></td>`
      }
    </tr>`;
  };
  return html`<${RowWindow} caption="Instances" head=${head} rows=${instances} row=${row} />`;
}
