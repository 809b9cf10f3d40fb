import type { VNode } from 'preact';
import { BreakerButtons } from './action-buttons.ts';
import { agoText, wordsOf } from './format.ts';
import { html } from './html.ts';
import { mesh } from './live.ts';
import { serviceHref } from './router.ts';
import type { WireBreaker } from './wire.ts';

const COLOURS = {
  OPEN: 'bg-danger-subtle text-danger-emphasis',
  HALF_OPEN: 'bg-warning-subtle text-warning-emphasis',
} as const;

/** Rows made at most. */
const MOST = 200;

/** A table of breakers that are not closed. */
export function BreakerList({ breakers }: { breakers: readonly WireBreaker[] }): VNode {
  if (breakers.length === 0) {
    return html`<p class="text-body-secondary">All breakers are closed: traffic flows.</p>`;
  }
  const { hasActions } = mesh;
  const now = Date.now();
  return html`<div class="table-responsive"><table class="table table-hover">
    <caption class="visually-hidden">Breakers that are not closed</caption>
    <thead><tr>
      <th scope="col">State</th><th scope="col">Service</th><th scope="col">Instance</th>
      <th scope="col">Held by</th><th scope="col">For</th>
      ${hasActions && html`<th scope="col">Actions</th>`}
    </tr></thead>
    <tbody>${breakers.slice(0, MOST).map((breaker) => {
      const { caller, callerInstance, service, instance, state, isForced, since } = breaker;
      return html`<tr key=${`${callerInstance}/${service}/${instance}`} data-breaker=${instance}>
        <td><span class="badge ${COLOURS[state]}">${wordsOf(state).replace(' ', '-')}</span>
          ${isForced && html` <span class="text-body-secondary small">by hand</span>`}</td>
        <td><a href=${serviceHref(service)}>${service}</a></td>
        <td>${instance}</td>
        <td>${caller}${callerInstance !== caller && html` <span class="text-body-secondary">${callerInstance}</span>`}</td>
        <td>${agoText(now - since)}</td>
        ${hasActions && html`<td><${BreakerButtons} breaker=${breaker} /></td>`}
      </tr>`;
    })}</tbody>
  </table>
  ${breakers.length > MOST && html`<p>and ${breakers.length - MOST} more</p>`}</div>`;
}
