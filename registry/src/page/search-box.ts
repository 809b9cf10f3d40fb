import type { Signal } from '@preact/signals';
import type { VNode } from 'preact';
import { html } from './html.ts';

/** Whether each word of a query is in one of the texts, in whatever case. */
export function matches(query: string, texts: readonly string[]): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const lower = texts.map((text) => text.toLowerCase());
  return words.every((word) => lower.some((text) => text.includes(word)));
}

interface SearchBoxProps {
  query: Signal<string>;
  label: string;
  /** How many are left. */
  shown: number;
}

export function SearchBox({ query, label, shown }: SearchBoxProps): VNode {
  const search = (event: Event) => {
    query.value = (event.currentTarget as HTMLInputElement).value;
  };
  return html`<form role="search" class="mb-3 d-flex align-items-center gap-3"
    onSubmit=${(event: Event) => event.preventDefault()}>
    <input type="search" class="form-control search" placeholder=${label} aria-label=${label}
      value=${query.value} onInput=${search} />
    <span class="text-body-secondary small text-nowrap" aria-live="polite">
      ${query.value !== '' && `${shown} found`}
    </span>
  </form>`;
}
