import { signal } from '@preact/signals';
import type { ComponentType, VNode } from 'preact';
import { html } from './html.ts';

/** A view whose code is not needed for the first sight of the page. */
export interface LazyView<Props> {
  (props: Props): VNode;
  /** Gets the code before it is needed. */
  load(): void;
}

/** A view that is there once `get` has got its code; asked for again when that failed. */
export function lazy<Props extends object>(
  get: () => Promise<ComponentType<Props>>,
): LazyView<Props> {
  const view = signal<ComponentType<Props> | undefined>(undefined);
  let isAsked = false;
  const load = () => {
    if (isAsked) return;
    isAsked = true;
    get().then(
      (loaded) => {
        view.value = loaded;
      },
      () => {
        isAsked = false;
      },
    );
  };
  const Lazy = (props: Props) => {
    const View = view.value;
    if (View !== undefined) return html`<${View} ...${props} />`;
    load();
    return html`<p class="text-body-secondary">Loading …</p>`;
  };
  return Object.assign(Lazy, { load });
}
