import type { VNode } from 'preact';
import { html } from './html.ts';
import { serviceHref } from './router.ts';
import type { CallSourceName, WireArchitecture, WireRule } from './wire.ts';

const SOURCES: Readonly<Record<CallSourceName, string>> = {
  declared: 'weft.yaml',
  listed: 'registration',
  observed: 'traffic',
};

const VERDICTS = {
  holds: ['bg-success-subtle text-success-emphasis', 'pass'],
  broken: ['bg-danger-subtle text-danger-emphasis', 'breach'],
  unknown: ['bg-secondary-subtle text-secondary-emphasis', 'not known'],
} as const;

type Cell = string | VNode;

interface SheetProps {
  /** The letter of the set. */
  letter: string;
  title: string;
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** One of the six sets. */
function Sheet({ letter, title, head, rows }: SheetProps): VNode {
  const id = `set-${letter}`;
  return html`<section class="panel" aria-labelledby=${id}>
    <h2 class="h6 panel-title" id=${id}>
      <span class="letter" aria-hidden="true">${letter}</span> ${title}
      <span class="ms-auto text-body-secondary fw-normal">${rows.length}</span>
    </h2>
    ${rows.length === 0 && html`<p class="text-body-secondary mb-0">None is known.</p>`}
    ${
      rows.length > 0 &&
      html`<div class="sheet" role="region" tabindex="0" aria-labelledby=${id}>
        <table class="table table-sm mb-0">
          <caption class="visually-hidden">${title}</caption>
          <thead><tr>${head.map((text) => html`<th scope="col" key=${text}>${text}</th>`)}</tr></thead>
          <tbody>${rows.map(
            (cells, row) =>
              html`<tr key=${row}>${cells.map(
                (cell, column) => html`<td key=${column}>${cell}</td>`,
              )}</tr>`,
          )}</tbody>
        </table>
      </div>`
    }
  </section>`;
}

const link = (name: string) => html`<a href=${serviceHref(name)}>${name}</a>`;
const code = (text: string) => html`<code class="text-reset">${text}</code>`;
const lines = (texts: readonly string[]) =>
  html`${texts.length === 0 && '–'}${texts.map((text) => html`<div key=${text}>${text}</div>`)}`;

/** The six sets as tables. */
export function ArchitectureTables({ architecture }: { architecture: WireArchitecture }): VNode {
  const { services, interfaces, stores, configuration, nodes, calls } = architecture;
  return html`<div class="sheets">
    <${Sheet} letter="S" title="Services" head=${['Service', 'Offers', 'Depends on']}
      rows=${services.map(({ name, offers, dependencies, isDeclared }) => [
        html`${link(name)}${!isDeclared && html` <span class="badge bg-warning-subtle text-warning-emphasis">not in weft.yaml</span>`}`,
        lines(offers),
        lines(dependencies),
      ])} />
    <${Sheet} letter="I" title="Interfaces" head=${['Interface', 'Methods', 'Offered by']}
      rows=${interfaces.map(({ name, methods, providers }) => [
        code(name),
        lines(methods),
        lines(providers),
      ])} />
    <${Sheet} letter="D" title="Data stores" head=${['Service', 'Store']}
      rows=${stores.map(({ service, name }) => [link(service), code(name)])} />
    <${Sheet} letter="C" title="Configuration" head=${['Service', 'Setting', 'Value']}
      rows=${configuration.map(({ service, name, value }) => [
        link(service),
        name,
        html`<code class="text-reset value d-block">${value}</code>`,
      ])} />
    <${Sheet} letter="N" title="Nodes" head=${['Address', 'Runs', 'Instance']}
      rows=${nodes.map(({ service, instance, address, isLive }) => [
        code(address),
        link(service),
        isLive ? instance : `${instance} (not up)`,
      ])} />
    <${Sheet} letter="M" title="Map S × I → S" head=${['Caller', 'Interface', 'Provider', 'Known from']}
      rows=${calls.map(({ caller, interface: name, provider, sources }) => [
        link(caller),
        name === '' ? '–' : code(name),
        link(provider),
        sources.map((source) => SOURCES[source]).join(', '),
      ])} />
  </div>`;
}

/** The rules of a sound architecture: which hold, and what breaks the others. */
export function RuleList({ rules }: { rules: readonly WireRule[] }): VNode {
  const held = rules.filter(({ verdict }) => verdict === 'holds').length;
  return html`<section class="panel" aria-labelledby="rules">
    <h2 class="h6 panel-title" id="rules">Rules
      <span class="ms-auto text-body-secondary fw-normal">${held} of ${rules.length} hold</span>
    </h2>
    <ul class="list-unstyled rules mb-0">${rules.map(({ id, holds, verdict, breaches }) => {
      const [colour, word] = VERDICTS[verdict];
      return html`<li key=${id} data-rule=${id}>
        <span class="badge ${colour}">${word}</span>
        <div>
          <span class="fw-semibold">${id}</span> <span class="text-body-secondary">${holds}</span>
          ${breaches.map(({ message }) => html`<div key=${message} class="text-danger-emphasis">${message}</div>`)}
        </div>
      </li>`;
    })}</ul>
  </section>`;
}
