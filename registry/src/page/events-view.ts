import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { EventList } from './event-list.ts';
import { wordsOf } from './format.ts';
import { html } from './html.ts';
import { frame, mesh } from './live.ts';
import { matches, SearchBox } from './search-box.ts';

const query = signal('');
/** Shown at most; the search finds older ones. */
const MOST = 200;

/** What happened, the latest first. */
export function EventsView(): VNode {
  frame.value;
  const found = mesh.events.filter(({ kind, service, instance, caller, detail }) =>
    matches(query.value, [wordsOf(kind), service, instance, caller, detail]),
  );
  return html`<h1 class="h3 mb-3">Events</h1>
    <${SearchBox} query=${query} label="Search events" shown=${found.length} />
    <${EventList} events=${found.slice(0, MOST)} />`;
}
