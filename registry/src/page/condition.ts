import type { Condition, ServiceSummary } from './mesh-model.ts';

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
