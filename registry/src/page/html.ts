import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

/** Templates of the page; what is put into them is shown as text, whatever it holds. */
export const html = htm.bind(h) as (
  strings: TemplateStringsArray,
  ...values: readonly unknown[]
) => VNode;

export interface WithChildren {
  children?: ComponentChildren;
}
