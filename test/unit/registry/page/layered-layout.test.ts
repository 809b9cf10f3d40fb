import { describe, expect, it } from '@jest/globals';
import { labelPlaces, type Rectangle } from '../../../../registry/src/page/label-places.ts';
import {
  type Box,
  type Link,
  layeredLayout,
} from '../../../../registry/src/page/layered-layout.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const OPTIONS = { isDown: false, gap: 20, layerGap: 100, lane: 30 };

const boxesOf = (names: string): Box[] => [...names].map((id) => ({ id, width: 100, height: 40 }));
const linksOf = (...pairs: string[]): Link[] =>
  pairs.map((pair) => ({ id: pair, from: pair[0] ?? '', to: pair[1] ?? '' }));

function overlapping(rectangles: readonly Rectangle[]): number {
  return rectangles
    .flatMap((one, index) => rectangles.slice(index + 1).map((other) => [one, other] as const))
    .filter(
      ([one, other]) =>
        2 * Math.abs(one.x - other.x) < one.width + other.width &&
        2 * Math.abs(one.y - other.y) < one.height + other.height,
    ).length;
}

describe('a layout in layers', () => {
  it('puts callers before those they call, and a long link past what stands between', () => {
    const { centres, bends } = layeredLayout(boxesOf('abc'), linksOf('ab', 'bc', 'ac'), OPTIONS);
    const xs = ['a', 'b', 'c'].map((id) => centres.get(id)?.x);
    expect(xs).toEqual([50, 250, 450]);
    const [first, second] = bends.get('ac') ?? [];
    expect([first?.x, second?.x]).toEqual([200, 300]);
    // Half of the box, half of the way.
    const away = Math.abs((first?.y ?? 0) - (centres.get('b')?.y ?? 0));
    expect(away).toBeGreaterThanOrEqual(20 + 15);
    expect([...bends.keys()]).toEqual(['ac']);
  });

  it('goes down where it is told to', () => {
    const { centres } = layeredLayout(boxesOf('ab'), linksOf('ab'), { ...OPTIONS, isDown: true });
    expect(centres.get('b')).toEqual({ x: centres.get('a')?.x, y: 160 });
  });

  it('cuts circles, leaves out links to nobody, and puts what is linked to nothing at the end', () => {
    const links = linksOf('ab', 'ba', 'cc', 'ax');
    const { centres } = layeredLayout(boxesOf('abcd'), links, OPTIONS);
    expect([...centres.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(centres.get('d')?.x).toBeGreaterThan(centres.get('b')?.x ?? 0);
  });

  it.each([true, false])('keeps 60 boxes apart, down: %s', (isDown) => {
    const random = seededRandom(7);
    const boxes = Array.from({ length: 60 }, (_, index) => {
      return { id: `${index}`, width: 60 + 100 * random(), height: 40 };
    });
    const links = Array.from({ length: 70 }, (_, index) => {
      const [from, to] = [Math.floor(60 * random()), Math.floor(60 * random())];
      return { id: `link ${index}`, from: `${Math.min(from, to)}`, to: `${Math.max(from, to)}` };
    });
    const { centres } = layeredLayout(boxes, links, { ...OPTIONS, isDown });
    const placed = boxes.map((box) => ({ ...box, ...(centres.get(box.id) ?? { x: 0, y: 0 }) }));
    expect(overlapping(placed)).toBe(0);
  });
});

it('puts labels where they cover neither each other nor a box', () => {
  const label = { width: 60, height: 20 };
  // Two lines that cross in the middle, where a box is too.
  const box = { x: 100, y: 100, width: 20, height: 20 };
  const lines = [
    { id: 'one', from: { x: 0, y: 0 }, to: { x: 200, y: 200 } },
    { id: 'two', from: { x: 0, y: 200 }, to: { x: 200, y: 0 } },
  ];
  const places = labelPlaces(lines, label, [box]);
  const placed = [...places.values()].map(({ x, y }) => ({ x: 100 + x, y: 100 + y, ...label }));
  expect(placed).toHaveLength(2);
  expect(overlapping([box, ...placed])).toBe(0);
});
