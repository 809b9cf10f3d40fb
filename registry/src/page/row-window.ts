import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.ts';

/** Rows made before and after those in sight. */
const SPARE = 10;
/** Rows made before it is known how many there is room for. */
const FIRST = 30;

interface RowWindowProps<T> {
  /** What the table is about, for those who do not see it. */
  caption: string;
  /** The row of headings. */
  head: VNode;
  rows: readonly T[];
  row: (item: T, index: number) => VNode;
}

interface Range {
  first: number;
  last: number;
}

/**
 * A table that holds only the rows in sight, whatever there are, all of one height. `row` makes a
 * `<tr class="row-of">` with a key.
 */
export function RowWindow<T>({ caption, head, rows, row }: RowWindowProps<T>): VNode {
  const body = useRef<HTMLTableSectionElement>(null);
  const [{ first, last }, setRange] = useState<Range>({ first: 0, last: FIRST });
  const [height, setHeight] = useState(44);

  useEffect(() => {
    let pending = 0;
    const measure = () => {
      pending = 0;
      if (body.current === null) return;
      const made = body.current.querySelector('.row-of')?.getBoundingClientRect().height;
      const each = made !== undefined && made > 0 ? made : 44;
      const { top } = body.current.getBoundingClientRect();
      const from = Math.max(0, Math.floor(-top / each) - SPARE);
      const to = Math.max(0, Math.ceil((innerHeight - top) / each)) + SPARE;
      setHeight(each);
      setRange((before) =>
        before.first === from && before.last === to ? before : { first: from, last: to },
      );
    };
    const soon = () => {
      pending ||= requestAnimationFrame(measure);
    };
    soon();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(pending);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [rows.length]);

  // A list that got shorter may end above what was in sight.
  const start = Math.min(first, Math.max(0, rows.length - FIRST));
  const end = Math.min(last, rows.length);
  // One cell: a span over more columns than there are would take room from the others.
  const spacer = (count: number) =>
    count > 0 &&
    html`<tr class="spacer" aria-hidden="true">
      <td style=${{ height: `${count * height}px` }}></td>
    </tr>`;
  return html`<div class="table-responsive rows-scroll" role="region" tabindex="0" aria-label=${caption}>
    <table class="table table-hover rows" aria-rowcount=${rows.length + 1}>
      <caption class="visually-hidden">${caption}</caption>
      <thead>${head}</thead>
      <tbody ref=${body}>
        ${spacer(start)}
        ${rows.slice(start, end).map((item, index) => row(item, start + index))}
        ${spacer(rows.length - end)}
      </tbody>
    </table>
  </div>`;
}
