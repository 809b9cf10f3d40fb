import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { html } from './html.ts';
import { frame } from './live.ts';
import { theme } from './theme.ts';

const HEIGHT = 200;

export interface ChartLine {
  label: string;
  colour: 'first' | 'second';
}

interface LineChartProps {
  title: string;
  lines: readonly ChartLine[];
  /** The value of an axis as text. */
  text: (value: number) => string;
  /** Times in seconds since 1970, then the values of each line. */
  data: uPlot.AlignedData;
}

const VARIABLES = { first: '--bs-primary', second: '--bs-danger' } as const;

function options({ lines, text }: LineChartProps, width: number): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name: string) => styles.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--bs-secondary-color'),
    grid: { stroke: colour('--bs-border-color'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axis, space: 80, size: 30, values: '{HH}:{mm}:{ss}' },
      {
        ...axis,
        size: 64,
        values: (_plot, values) => values.map((value) => (value === 0 ? '0' : text(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: which }) => ({
        label,
        stroke: colour(VARIABLES[which]),
        width: 2,
        points: { show: false },
      })),
    ],
  };
}

/** Lines over the last minutes, drawn anew with each frame. What they say stands elsewhere as text. */
export function LineChart(props: LineChartProps): VNode {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const { title, lines, data } = props;

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const made = new uPlot(options(props, element.clientWidth), props.data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme.value]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [frame.value]);

  return html`<figure class="card card-body mb-0">
    <figcaption class="d-flex flex-wrap gap-3 small mb-2">
      <strong>${title}</strong>
      ${lines.map(
        ({ label, colour }) =>
          html`<span key=${label}><span class="legend-key key-${colour}"></span>${label}</span>`,
      )}
    </figcaption>
    <div class="chart" ref=${holder} role="img" aria-label=${`${title} over the last minutes`}></div>
  </figure>`;
}
