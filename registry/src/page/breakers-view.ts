import type { VNode } from 'preact';
import { ActionNote } from './action-buttons.ts';
import { BreakerList } from './breaker-list.ts';
import { html } from './html.ts';
import { frame, mesh } from './live.ts';

/** Breakers as the clients that hold them report them. */
export function BreakersView(): VNode {
  frame.value;
  return html`<h1 class="h3 mb-1">Breakers</h1>
    <p class="text-body-secondary">
      Each client has a breaker for each instance it calls. Those that are not closed are here.
    </p>
    <${ActionNote} />
    <${BreakerList} breakers=${mesh.breakers} />`;
}
