import type { VNode } from 'preact';
import { ActionNote } from './action-buttons.ts';
import { BreakerList } from './breaker-list.ts';
import { conditionsText, worstOf } from './condition.ts';
import { EventList } from './event-list.ts';
import { millisText, numberText, shareText } from './format.ts';
import { html } from './html.ts';
import { InstanceRows } from './instance-rows.ts';
import { LineChart } from './line-chart.ts';
import { frame, mesh } from './live.ts';
import type { ServiceSummary } from './mesh-model.ts';
import { serviceHref } from './router.ts';

const RATE_LINES = [
  { label: 'calls/s', colour: 'first' },
  { label: 'errors/s', colour: 'second' },
] as const;
const LATENCY_LINES = [
  { label: 'p50', colour: 'first' },
  { label: 'p99', colour: 'second' },
] as const;
const EMPTY = { times: [], rate: [], errors: [], p50Ms: [], p99Ms: [] };
/** Events shown of one service. */
const MOST_EVENTS = 20;

function Charts({ name }: { name: string }): VNode {
  frame.value;
  const { times, rate, errors, p50Ms, p99Ms } = mesh.history.of(name) ?? EMPTY;
  return html`<div class="charts mb-4">
    <${LineChart} title="Calls" lines=${RATE_LINES} text=${numberText} data=${[times, rate, errors]} />
    <${LineChart} title="Latency" lines=${LATENCY_LINES} text=${millisText} data=${[times, p50Ms, p99Ms]} />
  </div>`;
}

function Tiles({ service }: { service: ServiceSummary }): VNode {
  const { traffic } = service;
  return html`<dl class="tiles">
    <div><dt>instances</dt><dd>${service.count}</dd></div>
    <div><dt>calls/s</dt><dd>${numberText(traffic?.rate ?? 0)}</dd></div>
    <div><dt>errors</dt><dd>${shareText(traffic?.errors ?? 0, traffic?.rate ?? 0)}</dd></div>
    <div><dt>p50</dt><dd>${millisText(traffic?.p50Ms ?? 0)}</dd></div>
    <div><dt>p99</dt><dd>${millisText(traffic?.p99Ms ?? 0)}</dd></div>
  </dl>`;
}

function Neighbours({ label, names }: { label: string; names: readonly string[] }): VNode {
  return html`<p class="mb-1"><span class="text-body-secondary">${label}</span>
    ${names.length === 0 && ' none seen'}
    ${names.map((name) => html` <a key=${name} class="me-2" href=${serviceHref(name)}>${name}</a>`)}
  </p>`;
}

/** One service: its traffic over the last minutes, its instances, breakers and events. */
export function ServiceView({ name }: { name: string }): VNode {
  frame.value;
  const service = mesh.services().find((each) => each.name === name);
  if (service === undefined) {
    return html`<h1 class="h3 service-name">${name}</h1>
      <p>No such service is registered or called. <a href="#/">All services</a></p>`;
  }
  const instances = mesh.instances.filter((instance) => instance.service === name);
  const declared = instances.flatMap(({ dependencies }) => dependencies);
  const called = mesh.edges.filter(({ caller }) => caller === name).map((edge) => edge.service);
  const callers = mesh.edges.filter((edge) => edge.service === name).map(({ caller }) => caller);
  const events = mesh.events.filter((event) => event.service === name).slice(0, MOST_EVENTS);
  const breakers = mesh.breakers.filter((breaker) => breaker.service === name);
  return html`<h1 class="h3 mb-1 d-flex align-items-center gap-2 service-name">
      <span class="mark mark-${worstOf(service)}"></span>${name}
    </h1>
    <p class="text-body-secondary">${conditionsText(service)}</p>
    <${Tiles} service=${service} />
    <${Charts} name=${name} />
    <${Neighbours} label="Calls" names=${[...new Set([...declared, ...called])].sort()} />
    <${Neighbours} label="Called by" names=${[...new Set(callers)].sort()} />
    <h2 class="h5 mt-4">Instances</h2>
    <${ActionNote} />
    <${InstanceRows} instances=${instances} hasService=${false} />
    <h2 class="h5 mt-4">Breakers</h2>
    <${BreakerList} breakers=${breakers} />
    <h2 class="h5 mt-4">Events</h2>
    <${EventList} events=${events} />`;
}
