import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { BreakersView } from './breakers-view.ts';
import { EventsView } from './events-view.ts';
import { html } from './html.ts';
import { InstancesView } from './instances-view.ts';
import { frame, link, mesh } from './live.ts';
import { OverviewView } from './overview-view.ts';
import { focusMain, type Route, route } from './router.ts';
import { type Choice, choice } from './theme.ts';
import { ArchitectureView, GraphView, loadViews, ServiceView } from './views.ts';

const PAGES = [
  ['overview', 'Overview'],
  ['graph', 'Graph'],
  ['architecture', 'Architecture'],
  ['instances', 'Instances'],
  ['breakers', 'Breakers'],
  ['events', 'Events'],
] as const;

const LINKS = {
  connecting: ['bg-secondary-subtle text-secondary-emphasis', 'Connecting'],
  live: ['bg-success-subtle text-success-emphasis', 'Live'],
  lost: ['bg-danger-subtle text-danger-emphasis', 'Offline'],
} as const;

function titleOf({ page, name }: Route): string {
  if (page === 'services') return name;
  return PAGES.find(([path]) => path === page)?.[1] ?? 'Nothing here';
}

function View({ at }: { at: Route }): VNode {
  switch (at.page) {
    case 'overview':
      return html`<${OverviewView} />`;
    case 'graph':
      return html`<${GraphView} />`;
    case 'architecture':
      return html`<${ArchitectureView} />`;
    case 'instances':
      return html`<${InstancesView} />`;
    case 'breakers':
      return html`<${BreakersView} />`;
    case 'events':
      return html`<${EventsView} />`;
    case 'services':
      return html`<${ServiceView} key=${at.name} name=${at.name} />`;
    default:
      return html`<p>There is no such page. <a href="#/">Go to the overview</a>.</p>`;
  }
}

function ThemeChoice(): VNode {
  const choose = (event: Event) => {
    choice.value = (event.currentTarget as HTMLSelectElement).value as Choice;
  };
  return html`<select class="form-select form-select-sm w-auto" aria-label="Colours"
    value=${choice.value} onChange=${choose}>
    <option value="auto">Auto</option>
    <option value="light">Light</option>
    <option value="dark">Dark</option>
  </select>`;
}

function Header(): VNode {
  const { page } = route.value;
  const here = page === 'services' ? 'overview' : page;
  useEffect(() => {
    // On a phone not all links are in sight.
    const active = document.querySelector('.pages .active');
    active?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [here]);
  const [colour, text] = LINKS[link.value];
  return html`<header class="top sticky-top">
    <div class="container-xxl d-flex flex-wrap align-items-center column-gap-4">
      <a class="navbar-brand d-flex align-items-center gap-2 py-2 fw-semibold" href="#/">
        <img src="/assets/icon.svg" width="26" height="26" alt="" /> Weft
      </a>
      <nav class="pages order-last order-lg-0" aria-label="Pages">
        <ul class="nav flex-nowrap">
          ${PAGES.map(
            ([path, label]) => html`<li class="nav-item" key=${path}>
              <a class="nav-link ${path === here ? 'active' : ''}" href="#/${path}"
                aria-current=${path === here ? 'page' : undefined}>${label}</a>
            </li>`,
          )}
        </ul>
      </nav>
      <div class="ms-auto d-flex align-items-center gap-2">
        <span class="badge link-${link.value} ${colour}" id="link">${text}</span>
        <${ThemeChoice} />
      </div>
    </div>
  </header>`;
}

/** What stands between the page and the truth, said aloud by screen readers. */
function Notices(): VNode {
  frame.value;
  const isLost = link.value === 'lost';
  return html`<div role="status">
    ${
      isLost &&
      html`<div class="alert alert-danger" id="lost">
        Connection lost, trying again. What is shown is as it was last known.
      </div>`
    }
    ${
      !isLost &&
      mesh.isStale &&
      html`<div class="alert alert-warning">
        The store of the registry is away: instances are shown as last known, and nothing can be registered.
      </div>`
    }
  </div>`;
}

export function Layout(): VNode {
  const at = route.value;
  const title = titleOf(at);
  useEffect(() => {
    document.title = `${title} · Weft`;
  }, [title]);
  useEffect(() => {
    // When there is nothing better to do.
    if (link.value === 'live') setTimeout(loadViews, 500);
  }, [link.value]);
  const skip = (event: Event) => {
    event.preventDefault();
    focusMain();
  };
  return html`<a class="visually-hidden-focusable skip btn btn-primary" href="#main"
      onClick=${skip}>Skip to the content</a>
    <${Header} />
    <main id="main" tabindex="-1" class="container-xxl py-4">
      <${Notices} />
      <${View} at=${at} />
    </main>`;
}
