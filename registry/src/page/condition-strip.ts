import type { VNode } from 'preact';
import { html } from './html.ts';
import type { Condition, ServiceSummary } from './mesh-model.ts';

/** How the instances of a service stand, as a strip of colours; the words for it stand beside. */
export function ConditionStrip({ conditions }: Pick<ServiceSummary, 'conditions'>): VNode {
  const parts = Object.entries(conditions) as [Condition, number][];
  return html`<div class="strip" aria-hidden="true">${parts.map(
    ([condition, count]) =>
      count > 0 &&
      html`<span key=${condition} class="strip-${condition}" style=${{ flexGrow: count }}></span>`,
  )}</div>`;
}
