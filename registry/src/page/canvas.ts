import cytoscape from 'cytoscape';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { html } from './html.ts';
import { theme } from './theme.ts';

export type Drawing = cytoscape.Core;
export type DrawingStyle = cytoscape.StylesheetJson;

/** A node or an edge; edges have a source and a target. */
export interface DrawnElement {
  readonly data: { readonly id: string; readonly source?: string; readonly [key: string]: unknown };
}

/** The colours of the page as it is now, light or dark. */
export type Colours = ReturnType<typeof colours>;

function colours() {
  const styles = getComputedStyle(document.documentElement);
  const of = (name: string) => styles.getPropertyValue(name).trim();
  return {
    text: of('--bs-body-color'),
    muted: of('--bs-secondary-color'),
    card: of('--weft-card'),
    back: of('--weft-sunk'),
    line: of('--bs-border-color'),
    quiet: of('--weft-quiet'),
    fine: of('--bs-success'),
    warn: of('--bs-warning'),
    bad: of('--bs-danger'),
    busy: of('--bs-primary'),
  };
}

interface CanvasProps {
  id: string;
  /** What is drawn, for those who do not see it. */
  label: string;
  elements: readonly DrawnElement[];
  style: (colours: Colours) => DrawingStyle;
  /** Puts the elements where they belong; asked when some came or went, or the shape has changed. */
  place: (cy: Drawing, isDown: boolean) => void;
  /** Told what was clicked on. */
  onTap: (data: Readonly<Record<string, unknown>>) => void;
}

/** Brings what is drawn to what is; answers whether something came or went. */
function update(cy: Drawing, elements: readonly DrawnElement[]): boolean {
  let isOther = false;
  cy.batch(() => {
    const wanted = new Set(elements.map(({ data }) => data.id));
    const gone = cy.elements().filter((element) => !wanted.has(element.id()));
    isOther = gone.nonempty();
    gone.remove();
    for (const { data } of elements) {
      const known = cy.getElementById(data.id);
      if (known.nonempty()) known.data(data);
      else {
        cy.add({ group: data.source === undefined ? 'nodes' : 'edges', data });
        isOther = true;
      }
    }
  });
  return isOther;
}

/** How much a button brings it nearer. */
const STEP = 1.3;
/** Space around what is drawn, in pixels. */
const PADDING = 28;
/** Where there is less width, in pixels, one is drawn below the other. */
const NARROW = 640;
const LEAST_HEIGHT = 260;
/** How large it is drawn at most by itself. */
const MOST_ZOOM = 1.5;

/** A drawing to look at and click on, with buttons to come nearer; the page says the same in tables. */
export function Canvas({ id, label, elements, style, place, onTap }: CanvasProps): VNode {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawing>(null);

  const fit = () => drawn.current?.fit(undefined, PADDING);
  const arrange = () => {
    const cy = drawn.current;
    if (cy === null) return;
    place(cy, cy.width() < NARROW);
    const { w, h } = cy.elements().boundingBox();
    // As high as it needs to be at this width, and not so that it fills the screen.
    const height = Math.min((h * cy.width()) / w + 2 * PADDING, h * MOST_ZOOM, 0.75 * innerHeight);
    if (holder.current !== null)
      holder.current.style.height = `${Math.max(height, LEAST_HEIGHT)}px`;
    cy.resize();
    fit();
  };
  const zoom = (factor: number) => () => {
    const cy = drawn.current;
    if (cy === null) return;
    const renderedPosition = { x: cy.width() / 2, y: cy.height() / 2 };
    cy.zoom({ level: cy.zoom() * factor, renderedPosition });
  };

  useEffect(() => {
    const cy = cytoscape({
      container: holder.current,
      // The wheel scrolls the page.
      userZoomingEnabled: false,
      autoungrabify: true,
      boxSelectionEnabled: false,
      minZoom: 0.1,
      maxZoom: 2.5,
    });
    cy.on('tap', 'node', ({ target }) => onTap(target.data()));
    drawn.current = cy;
    let width = cy.width();
    const observer = new ResizeObserver(() => {
      if (cy.width() === width) return;
      width = cy.width();
      if (cy.elements().nonempty()) arrange();
    });
    if (holder.current !== null) observer.observe(holder.current);
    return () => {
      observer.disconnect();
      cy.destroy();
      drawn.current = null;
    };
  }, []);

  useEffect(() => {
    drawn.current?.style(style(colours()));
  }, [theme.value]);

  useEffect(() => {
    if (drawn.current !== null && update(drawn.current, elements)) arrange();
  }, [elements]);

  return html`<div class="drawing">
    <div class="drawing-buttons btn-group btn-group-sm" role="group" aria-label="Size of the drawing">
      <button type="button" class="btn btn-outline-secondary" aria-label="Smaller" onClick=${zoom(1 / STEP)}>−</button>
      <button type="button" class="btn btn-outline-secondary" aria-label="Larger" onClick=${zoom(STEP)}>+</button>
      <button type="button" class="btn btn-outline-secondary" onClick=${fit}>Fit</button>
    </div>
    <div class="graph" ref=${holder} role="img" id=${id} aria-label=${label}></div>
  </div>`;
}
