import type { VNode } from 'preact';
import { wordsOf } from './format.ts';
import { html } from './html.ts';
import type { Condition, ShownInstance } from './mesh-model.ts';

const COLOURS: Readonly<Record<Condition, string>> = {
  up: 'bg-success-subtle text-success-emphasis',
  starting: 'bg-info-subtle text-info-emphasis',
  draining: 'bg-warning-subtle text-warning-emphasis',
  down: 'bg-danger-subtle text-danger-emphasis',
  gone: 'bg-danger-subtle text-danger-emphasis',
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
