import type { VNode } from 'preact';
import { wordsOf } from './format.ts';
import { html } from './html.ts';
import type { Condition, ServiceSummary, ShownInstance } from './mesh-model.ts';

const WORDS: Readonly<Record<Condition, string>> = {
  up: 'up',
  starting: 'starting',
  draining: 'draining',
  down: 'down',
  gone: 'gone',
};

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
    title=${reasons.filter(Boolean).join(', ')}>${WORDS[condition]}</span>`;
}

/** The worst that is true of a service: what colour it has. */
export function worstOf({ count, conditions }: ServiceSummary): Condition | 'none' {
  if (conditions.down > 0) return 'down';
  if (conditions.gone > 0) return 'gone';
  if (count === 0) return 'none';
  if (conditions.draining > 0) return 'draining';
  return conditions.starting > 0 ? 'starting' : 'up';
}

/** `3 up, 1 draining`. */
export function conditionsText({ conditions }: ServiceSummary): string {
  const parts = Object.entries(conditions).filter(([, count]) => count > 0);
  if (parts.length === 0) return 'no instance';
  return parts.map(([name, count]) => `${count} ${name}`).join(', ');
}
