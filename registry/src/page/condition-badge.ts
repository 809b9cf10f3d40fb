import type { VNode } from 'preact';
import { wordsOf } from './format.ts';
import { html } from './html.ts';
import type { Condition, ShownInstance } from './mesh-model.ts';

const COLOURS: Readonly<Record<Condition, string>> = {
  up: 'text-bg-success',
  starting: 'text-bg-info',
  draining: 'text-bg-warning',
  down: 'text-bg-danger',
  gone: 'text-bg-danger',
};

/** The condition of an instance in colour and word. */
export function ConditionBadge({ instance }: { instance: ShownInstance }): VNode {
  const { condition, status, health, weight } = instance;
  const reasons = [
    condition === 'gone' ? 'no longer listed' : `status ${wordsOf(status)}`,
    health === '' ? '' : `health checks: ${wordsOf(health)}`,
    weight === 0 ? 'weight 0' : '',
  ];
  return html`<span class="badge ${COLOURS[condition]}"
    title=${reasons.filter(Boolean).join(', ')}>${condition}</span>`;
}
