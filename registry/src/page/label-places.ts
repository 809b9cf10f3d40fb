import type { Point } from './layered-layout.ts';

/** A rectangle by its centre. */
export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

export interface LabelledLine {
  readonly id: string;
  readonly from: Point;
  readonly to: Point;
}

/** Shares of the way at which a label may stand, the best first. */
const SHARES = [0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75];

function overlap(one: Rectangle, other: Rectangle): boolean {
  return (
    2 * Math.abs(one.x - other.x) < one.width + other.width &&
    2 * Math.abs(one.y - other.y) < one.height + other.height
  );
}

/**
 * Where on straight lines labels stand so that none lies on another or on what is `taken`, as far as that can
 * be: how far from the middle of each. Pure.
 */
export function labelPlaces(
  lines: readonly LabelledLine[],
  label: { readonly width: number; readonly height: number },
  taken: readonly Rectangle[],
): Map<string, Point> {
  const placed = [...taken];
  return new Map(
    lines.map(({ id, from, to }) => {
      const at = (share: number): Rectangle => ({
        ...label,
        x: from.x + (to.x - from.x) * share,
        y: from.y + (to.y - from.y) * share,
      });
      const spots = SHARES.map(at);
      const middle = at(0.5);
      const spot = spots.find((each) => !placed.some((other) => overlap(each, other))) ?? middle;
      placed.push(spot);
      return [id, { x: spot.x - middle.x, y: spot.y - middle.y }];
    }),
  );
}
