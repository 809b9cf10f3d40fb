/** Something to be placed; what it is linked to stands before or after it. */
export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LayoutOptions {
  /** Layers one below the other; else side by side. */
  readonly isDown: boolean;
  /** Between the boxes of a layer. */
  readonly gap: number;
  /** Between layers. */
  readonly layerGap: number;
  /** How wide a way is kept for a link past the boxes of a layer. */
  readonly lane: number;
}

export interface Layout {
  /** Centres of the boxes. */
  readonly centres: ReadonlyMap<string, Point>;
  /** Points that links go by, of those that pass a layer. */
  readonly bends: ReadonlyMap<string, readonly Point[]>;
}

/** A place in a layer: a box, or the way of a link past it. Along the layers it is deep, across them broad. */
interface Place {
  readonly id: string;
  readonly depth: number;
  readonly breadth: number;
  /** Its neighbours in the layers before and after. */
  readonly before: Place[];
  readonly after: Place[];
  across: number;
}

const SWEEPS = 8;
/** A layer of more stands in several rows. */
const MOST_IN_ROW = 12;

/** How far each box is from the first layer: below all that link to it. A circle is cut where it is met. */
function layerOfEach(boxes: readonly Box[], links: readonly Link[]): Map<string, number> {
  const incoming = Map.groupBy(links, ({ to }) => to);
  const layers = new Map<string, number>();
  const onTheWay = new Set<string>();
  const layerOf = (id: string): number => {
    const known = layers.get(id);
    if (known !== undefined) return known;
    if (onTheWay.has(id)) return -1;
    onTheWay.add(id);
    const before = (incoming.get(id) ?? []).map(({ from }) => layerOf(from));
    const layer = Math.max(-1, ...before) + 1;
    layers.set(id, layer);
    return layer;
  };
  for (const { id } of boxes) layerOf(id);
  return layers;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Orders each layer by where the neighbours stand, back and forth, so that few links cross. */
function untangle(layers: readonly Place[][]): void {
  const order = (layer: Place[], side: 'before' | 'after') => {
    const keys = new Map(
      layer.map((place, index) => {
        const beside = place[side].map(({ across }) => across);
        return [place, beside.length > 0 ? mean(beside) : index];
      }),
    );
    layer.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
    layer.forEach((place, index) => {
      place.across = index - (layer.length - 1) / 2;
    });
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const layer of layers) order(layer, 'before');
    for (const layer of layers.toReversed()) order(layer, 'after');
  }
}

/** Moves the places of a layer, in their order, as near as may be to where they want to be. */
function spread(layer: readonly Place[], wanted: (place: Place) => number, gap: number): void {
  let edge = Number.NEGATIVE_INFINITY;
  const shifts = layer.map((place) => {
    const want = wanted(place);
    place.across = Math.max(want, edge + place.breadth / 2);
    edge = place.across + place.breadth / 2 + gap;
    return place.across - want;
  });
  const shift = mean(shifts);
  for (const place of layer) place.across -= shift;
}

function align(layers: readonly Place[][], gap: number): void {
  for (const layer of layers) spread(layer, () => 0, gap);
  const beside = ({ before, after, across }: Place) => {
    const all = [...before, ...after].map((place) => place.across);
    return all.length > 0 ? mean(all) : across;
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const layer of layers) spread(layer, beside, gap);
  }
}

/** The rows of a layer, the one that is enough for most. */
function rowsOf(layer: readonly Place[], gap: number): Place[][] {
  if (layer.length <= MOST_IN_ROW) return [[...layer]];
  const each = Math.ceil(layer.length / Math.ceil(layer.length / MOST_IN_ROW));
  const rows = Array.from({ length: Math.ceil(layer.length / each) }, (_, index) =>
    layer.slice(index * each, (index + 1) * each),
  );
  for (const row of rows) spread(row, () => 0, gap);
  return rows;
}

/**
 * Places boxes in layers, each below or right of all that link to it. Links that pass layers have a way of
 * their own through them; what is linked to nothing stands at the end. Pure.
 */
export function layeredLayout(
  boxes: readonly Box[],
  links: readonly Link[],
  { isDown, gap, layerGap, lane }: LayoutOptions,
): Layout {
  const layerOf = layerOfEach(boxes, links);
  const linked = new Set(links.flatMap(({ from, to }) => [from, to]));
  const layers: Place[][] = [];
  const loose: Place[] = [];
  const places = new Map<string, Place>();
  const make = (id: string, depth: number, breadth: number, layer: Place[]) => {
    const place: Place = { id, depth, breadth, before: [], after: [], across: 0 };
    layer.push(place);
    return place;
  };
  for (const { id, width, height } of boxes) {
    const at = layerOf.get(id) ?? 0;
    while (layers.length <= at) layers.push([]);
    const layer = linked.has(id) ? (layers[at] ?? loose) : loose;
    places.set(id, make(id, isDown ? height : width, isDown ? width : height, layer));
  }
  const join = (from: Place, to: Place) => {
    from.after.push(to);
    to.before.push(from);
  };
  const ways = new Map<string, Place[]>();
  for (const { id, from, to } of links) {
    const [start, end] = [places.get(from), places.get(to)];
    if (start === undefined || end === undefined) continue;
    const passed = layers.slice((layerOf.get(from) ?? 0) + 1, layerOf.get(to) ?? 0);
    const way = passed.map((layer) => make('', 0, lane, layer));
    [start, ...way, end].reduce((last, next) => {
      if (last !== next) join(last, next);
      return next;
    });
    if (way.length > 0) ways.set(id, way);
  }
  const filled = layers.filter((layer) => layer.length > 0);
  untangle(filled);
  align(filled, gap);

  const centres = new Map<string, Point>();
  const spans = new Map<Place, readonly [number, number]>();
  const point = (along: number, across: number) =>
    isDown ? { x: across, y: along } : { x: along, y: across };
  let along = 0;
  const putRows = (rows: readonly Place[][]) => {
    for (const row of rows) {
      const depth = Math.max(...row.map((place) => place.depth));
      for (const place of row) {
        spans.set(place, [along, along + depth]);
        if (place.id !== '') centres.set(place.id, point(along + depth / 2, place.across));
      }
      along += depth + gap;
    }
    along += layerGap - gap;
  };
  for (const layer of filled) putRows(rowsOf(layer, gap));
  if (loose.length > 0) {
    spread(loose, () => 0, gap);
    putRows(rowsOf(loose, gap));
  }
  const bends = new Map(
    [...ways].map(([id, way]) => [
      id,
      way.flatMap((place) => {
        const [from, to] = spans.get(place) ?? [0, 0];
        return [point(from, place.across), point(to, place.across)];
      }),
    ]),
  );
  return { centres, bends };
}
