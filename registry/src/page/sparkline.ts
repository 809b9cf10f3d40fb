import type { VNode } from 'preact';
import { html } from './html.ts';

const WIDTH = 100;
const HEIGHT = 28;
/** Two minutes, at one a second. */
const POINTS = 120;

/** The corners of a line through values, the latest at the right end; the lowest is 0. */
export function sparkPoints(values: readonly number[]): string {
  const last = values.slice(-POINTS);
  const most = Math.max(...last, 1e-9);
  const start = WIDTH - ((last.length - 1) * WIDTH) / (POINTS - 1);
  return last
    .map((value, index) => {
      const x = start + (index * WIDTH) / (POINTS - 1);
      const y = HEIGHT - 1 - (value / most) * (HEIGHT - 3);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

/** How a figure went over the last minutes, to glance at; the figure itself stands beside. */
export function Sparkline({ values }: { values: readonly number[] }): VNode {
  const points = values.length > 1 ? sparkPoints(values) : '';
  const [first = '0'] = points.split(',');
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    ${
      points !== '' &&
      html`<polygon points=${`${first},${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} />
      <polyline points=${points} />`
    }
  </svg>`;
}
