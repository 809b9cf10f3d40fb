import type { VNode } from 'preact';
import { agoText, wordsOf } from './format.ts';
import { html } from './html.ts';
import { serviceHref } from './router.ts';
import type { WireBreaker } from './wire.ts';

/** A table of breakers that are not closed. */
export function BreakerList({ breakers }: { breakers: readonly WireBreaker[] }): VNode {
  if (breakers.length === 0) {
    return html`<p class="text-body-secondary">All breakers are closed: traffic flows.</p>`;
  }
  const now = Date.now();
  return html`<div class="table-responsive"><table class="table table-hover">
    <caption class="visually-hidden">Breakers that are not closed</caption>
    <thead><tr>
      <th scope="col">State</th><th scope="col">Service</th><th scope="col">Instance</th>
      <th scope="col">Held by</th><th scope="col">For</th>
    </tr></thead>
    <tbody>${breakers.map(
      ({ caller, callerInstance, service, instance, state, since }) => html`
        <tr key=${`${callerInstance}/${service}/${instance}`} data-breaker=${instance}>
          <td><span class="badge ${state === 'OPEN' ? 'text-bg-danger' : 'text-bg-warning'}">
            ${wordsOf(state).replace(' ', '-')}</span></td>
          <td><a href=${serviceHref(service)}>${service}</a></td>
          <td>${instance}</td>
          <td>${caller}${callerInstance !== caller && html` <span class="text-body-secondary">${callerInstance}</span>`}</td>
          <td>${agoText(now - since)}</td>
        </tr>`,
    )}</tbody>
  </table></div>`;
}
