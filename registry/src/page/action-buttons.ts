import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { html } from './html.ts';
import type { ShownInstance } from './mesh-model.ts';
import type { ActionRequest, WireBreaker } from './wire.ts';

/** What the last action came to; empty when there is nothing to say. */
export const actionNote = signal('');

/** What is said of an action, before and after. */
const WORDS = {
  drain: 'drain',
  deregister: 'deregister',
  open: 'open the breakers',
  close: 'close the breakers',
} as const;

async function act(request: ActionRequest): Promise<void> {
  const { action, service, id } = request;
  const what = `${WORDS[action]} of ${service}/${id}`;
  try {
    const response = await fetch('/api/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const text = (await response.text()).trim();
    const isOrder = action === 'open' || action === 'close';
    const done = isOrder ? 'clients are told with their next report' : 'done';
    actionNote.value = response.ok ? `${what}: ${done}` : `${what} failed: ${text}`;
  } catch {
    actionNote.value = `${what} failed: the registry cannot be reached`;
  }
}

interface ActionProps {
  request: ActionRequest;
  text: string;
  /** For those who do not see what it stands beside. */
  label: string;
  /** Asked before. */
  question: string;
  isDanger?: boolean;
  isDisabled?: boolean;
}

function Action({ request, text, label, question, isDanger, isDisabled }: ActionProps): VNode {
  const ask = () => {
    if (confirm(question)) void act(request);
  };
  return html`<button type="button" disabled=${isDisabled} aria-label=${label} onClick=${ask}
    class="btn ${isDanger ? 'btn-outline-danger' : 'btn-outline-secondary'}">${text}</button>`;
}

/** What became of the last action, said aloud. */
export function ActionNote(): VNode {
  return html`<p role="status" class="mb-1">${actionNote.value}</p>`;
}

interface ActionButtonsProps {
  instance: ShownInstance;
  /** Whether a client has its breaker for it not closed. */
  isBroken: boolean;
}

/** Drain and deregister an instance, open and close its breakers, for pages whose registry allows it. */
export function ActionButtons({ instance, isBroken }: ActionButtonsProps): VNode {
  const { service, id, leaseId, condition } = instance;
  const name = `${service}/${id}`;
  if (condition === 'gone') return html`<span></span>`;
  return html`<span class="actions btn-group btn-group-sm">
    <${Action} request=${{ action: 'drain', service, id, leaseId }} text="Drain" label=${`Drain ${id}`}
      isDisabled=${condition === 'draining'}
      question=${`Drain ${name}? It takes no new calls then.`} />
    ${
      isBroken
        ? html`<${Action} request=${{ action: 'close', service, id, caller: '' }} text="Mend"
            label=${`Mend ${id}: close its breakers`}
            question=${`Have all clients close their breakers for ${name}? They call it again then.`} />`
        : html`<${Action} request=${{ action: 'open', service, id, caller: '' }} text="Break"
            label=${`Break ${id}: open its breakers`}
            question=${`Have the clients that call ${name} now open their breakers for it? They do not call it then, until the breakers are closed by hand; clients that start later do.`} />`
    }
    <${Action} request=${{ action: 'deregister', service, id, leaseId }} text="Deregister" isDanger=${true}
      label=${`Deregister ${id}`}
      question=${`Take ${name} off the list? If it lives it may register again.`} />
  </span>`;
}

/** Close the breaker that one client holds, or keep it open. */
export function BreakerButtons({ breaker }: { breaker: WireBreaker }): VNode {
  const { service, instance: id, callerInstance: caller, isForced } = breaker;
  return html`<span class="actions btn-group btn-group-sm">
    <${Action} request=${{ action: 'close', service, id, caller }} text="Close"
      label=${`Close the breaker of ${caller} for ${id}`}
      question=${`Have ${caller} close its breaker for ${service}/${id}? It calls it again then.`} />
    <${Action} request=${{ action: 'open', service, id, caller }} text="Keep open" isDisabled=${isForced}
      label=${`Keep open the breaker of ${caller} for ${id}`}
      question=${`Have ${caller} keep its breaker for ${service}/${id} open until it is closed by hand?`} />
  </span>`;
}
