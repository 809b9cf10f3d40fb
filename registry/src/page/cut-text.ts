import type { VNode } from 'preact';
import { html } from './html.ts';

/**
 * A text on one line. If it does not fit, its start is cut, not its end: ids of instances and addresses differ
 * at the end.
 */
export function CutText({ text }: { text: string }): VNode {
  return html`<span class="cut" title=${text}><bdi dir="ltr">${text}</bdi></span>`;
}
