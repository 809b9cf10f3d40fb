import type { VNode } from 'preact';
import { clockText, wordsOf } from './format.ts';
import { html } from './html.ts';
import { serviceHref } from './router.ts';
import type { WireEvent } from './wire.ts';

const COLOURS: Readonly<Record<string, string>> = {
  REGISTERED: 'text-bg-success',
  RETURNED: 'text-bg-success',
  BREAKER_CLOSED: 'text-bg-success',
  DRAINING: 'text-bg-warning',
  BREAKER_HALF_OPENED: 'text-bg-warning',
  EJECTED: 'text-bg-warning',
  SNAPSHOT_KEPT: 'text-bg-warning',
  SCALED: 'text-bg-info',
  EXPIRED: 'text-bg-danger',
  BREAKER_OPENED: 'text-bg-danger',
};

/** Events, the latest first. */
export function EventList({ events }: { events: readonly WireEvent[] }): VNode {
  if (events.length === 0) {
    return html`<p class="text-body-secondary">Nothing has happened since this registry started.</p>`;
  }
  return html`<ol class="list-group list-group-flush" id="events">${events.map(
    ({ sequence, time, kind, service, instance, caller, detail }) => html`
      <li key=${sequence} class="list-group-item px-0 d-flex flex-wrap gap-2 align-items-baseline">
        <time class="text-body-secondary" datetime=${new Date(time).toISOString()}>${clockText(time)}</time>
        <span class="badge ${COLOURS[kind] ?? 'text-bg-secondary'}">${wordsOf(kind)}</span>
        <span class="event-text">
          <a href=${serviceHref(service)}>${service}</a>${instance !== '' && ` ${instance}`}
          <span class="text-body-secondary">${detail !== '' && ` · ${detail}`}${caller !== '' && ` · told by ${caller}`}</span>
        </span>
      </li>`,
  )}</ol>`;
}
