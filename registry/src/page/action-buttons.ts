import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { html } from './html.ts';
import type { ShownInstance } from './mesh-model.ts';
import type { ActionRequest } from './wire.ts';

/** What the last action came to; empty when there is nothing to say. */
export const actionNote = signal('');

async function act(request: ActionRequest): Promise<void> {
  const { action, service, id } = request;
  try {
    const response = await fetch('/api/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const text = (await response.text()).trim();
    actionNote.value = response.ok
      ? `${action} of ${service}/${id}: done`
      : `${action} of ${service}/${id} failed: ${text}`;
  } catch {
    actionNote.value = `${action} of ${service}/${id} failed: the registry cannot be reached`;
  }
}

/** Drain and deregister, for pages whose registry allows them. */
export function ActionButtons({ instance }: { instance: ShownInstance }): VNode {
  const { service, id, leaseId, condition } = instance;
  const ask = (action: ActionRequest['action'], question: string) => () => {
    if (confirm(question)) void act({ action, service, id, leaseId });
  };
  if (condition === 'gone') return html`<span></span>`;
  return html`<span class="actions btn-group btn-group-sm">
    <button type="button" class="btn btn-outline-secondary" disabled=${condition === 'draining'}
      aria-label=${`Drain ${id}`}
      onClick=${ask('drain', `Drain ${service}/${id}? It takes no new calls then.`)}>Drain</button>
    <button type="button" class="btn btn-outline-danger" aria-label=${`Deregister ${id}`}
      onClick=${ask('deregister', `Take ${service}/${id} off the list? If it lives it may register again.`)}
      >Deregister</button>
  </span>`;
}
