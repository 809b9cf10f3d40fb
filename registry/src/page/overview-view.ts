import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { conditionsText, worstOf } from './condition.ts';
import { ConditionStrip } from './condition-strip.ts';
import { millisText, numberText, shareText } from './format.ts';
import { html } from './html.ts';
import { frame, link, mesh } from './live.ts';
import type { ServiceSummary } from './mesh-model.ts';
import { serviceHref } from './router.ts';
import { matches, SearchBox } from './search-box.ts';
import { Sparkline } from './sparkline.ts';

const query = signal('');

function Figures({ traffic }: Pick<ServiceSummary, 'traffic'>): VNode {
  const failing = traffic !== undefined && traffic.errors > 0;
  return html`<dl class="figures">
    <div><dt>calls/s</dt><dd>${numberText(traffic?.rate ?? 0)}</dd></div>
    <div><dt>errors</dt><dd class=${failing ? 'text-danger-emphasis' : ''}>
      ${shareText(traffic?.errors ?? 0, traffic?.rate ?? 0)}</dd></div>
    <div><dt>p50</dt><dd>${millisText(traffic?.p50Ms ?? 0)}</dd></div>
    <div><dt>p99</dt><dd>${millisText(traffic?.p99Ms ?? 0)}</dd></div>
  </dl>`;
}

function ServiceCard({ service }: { service: ServiceSummary }): VNode {
  const { name, openBreakers } = service;
  return html`<li class="card" data-service=${name}>
    <div class="card-body d-flex flex-column">
      <div class="d-flex align-items-center gap-2 mb-1">
        <span class="mark mark-${worstOf(service)}"></span>
        <h2 class="h6 mb-0 service-name">
          <a class="stretched-link text-body text-decoration-none" href=${serviceHref(name)}>${name}</a>
        </h2>
        ${
          openBreakers > 0 &&
          html`<a class="badge bg-danger-subtle text-danger-emphasis position-relative z-2 ms-auto text-decoration-none"
            href="#/breakers">${openBreakers} ${openBreakers === 1 ? 'breaker' : 'breakers'}</a>`
        }
      </div>
      <p class="small text-body-secondary mb-2">${conditionsText(service)}</p>
      <${ConditionStrip} conditions=${service.conditions} />
      <${Sparkline} values=${mesh.history.of(name)?.rate ?? []} />
      <div class="mt-auto"><${Figures} traffic=${service.traffic} /></div>
    </div>
  </li>`;
}

function Tiles({ services }: { services: readonly ServiceSummary[] }): VNode {
  let rate = 0;
  let errors = 0;
  let up = 0;
  for (const { traffic, conditions } of services) {
    rate += traffic?.rate ?? 0;
    errors += traffic?.errors ?? 0;
    up += conditions.up;
  }
  const { size, breakers } = mesh;
  return html`<dl class="tiles">
    <div><dt>services</dt><dd id="services">${services.filter(({ count }) => count > 0).length}</dd></div>
    <div><dt>instances</dt><dd id="instances">${size}</dd></div>
    <div><dt>of these up</dt><dd>${up}</dd></div>
    <div><dt>calls/s</dt><dd>${numberText(rate)}</dd></div>
    <div class=${errors > 0 ? 'tile-bad' : ''}><dt>errors</dt><dd>${shareText(errors, rate)}</dd></div>
    <div class=${breakers.length > 0 ? 'tile-bad' : ''}><dt>breakers not closed</dt>
      <dd>${breakers.length}</dd></div>
  </dl>`;
}

function Empty(): VNode {
  if (link.value === 'connecting') return html`<p>Connecting to the registry …</p>`;
  if (!mesh.isComplete) return html`<p>The registry has yet to read its store.</p>`;
  return html`<p>
    No service is registered yet. The registry listens on <code>${mesh.registry}</code>.
  </p>`;
}

/** Every service with its instances and its traffic. */
export function OverviewView(): VNode {
  frame.value;
  const services = mesh.services();
  const shown = services.filter(({ name }) => matches(query.value, [name]));
  return html`<h1 class="h3 mb-3">Overview</h1>
    <${Tiles} services=${services} />
    ${services.length > 0 && html`<${SearchBox} query=${query} label="Search services" shown=${shown.length} />`}
    ${services.length === 0 && html`<${Empty} />`}
    <ul class="cards list-unstyled">
      ${shown.map((service) => html`<${ServiceCard} key=${service.name} service=${service} />`)}
    </ul>`;
}
