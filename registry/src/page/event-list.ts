import type { VNode } from 'preact';
import { clockText, wordsOf } from './format.ts';
import { html } from './html.ts';
import { serviceHref } from './router.ts';
import type { WireEvent } from './wire.ts';

const COLOURS: Readonly<Record<string, string>> = {
  REGISTERED: 'bg-success-subtle text-success-emphasis',
  RETURNED: 'bg-success-subtle text-success-emphasis',
  BREAKER_CLOSED: 'bg-success-subtle text-success-emphasis',
  DRAINING: 'bg-warning-subtle text-warning-emphasis',
  BREAKER_HALF_OPENED: 'bg-warning-subtle text-warning-emphasis',
  EJECTED: 'bg-warning-subtle text-warning-emphasis',
  SNAPSHOT_KEPT: 'bg-warning-subtle text-warning-emphasis',
  EXPIRED: 'bg-danger-subtle text-danger-emphasis',
  KEY_DELETED: 'bg-danger-subtle text-danger-emphasis',
  BREAKER_OPENED: 'bg-danger-subtle text-danger-emphasis',
  SCALED: 'bg-info-subtle text-info-emphasis',
  BREAKER_ORDERED: 'bg-info-subtle text-info-emphasis',
};

/** Events, the latest first. */
export function EventList({ events }: { events: readonly WireEvent[] }): VNode {
  if (events.length === 0) {
    return html`<p class="text-body-secondary">Nothing has happened since this registry started.</p>`;
  }
  return html`<ol class="events list-unstyled" id="events">${events.map(
    ({ sequence, time, kind, service, instance, caller, detail }) => html`
      <li key=${sequence} class="event">
        <time class="text-body-secondary" datetime=${new Date(time).toISOString()}>${clockText(time)}</time>
        <span class="badge ${COLOURS[kind] ?? 'bg-secondary-subtle text-secondary-emphasis'}">${wordsOf(kind)}</span>
        <span class="event-text">
          <a href=${serviceHref(service)}>${service}</a>${instance !== '' && ` ${instance}`}
          <span class="text-body-secondary">${detail !== '' && ` · ${detail}`}${caller !== '' && ` · told by ${caller}`}</span>
        </span>
      </li>`,
  )}</ol>`;
}
