import { lazy } from './lazy.ts';

/** Views whose libraries draw: their code comes after the first sight of the page. */
export const GraphView = lazy(async () => (await import('./graph-view.ts')).GraphView);
export const ArchitectureView = lazy(
  async () => (await import('./architecture-view.ts')).ArchitectureView,
);
export const ServiceView = lazy(async () => (await import('./service-view.ts')).ServiceView);

/** Gets the code of all views, so that they are there when the registry is not. */
export function loadViews(): void {
  for (const { load } of [GraphView, ArchitectureView, ServiceView]) load();
}
