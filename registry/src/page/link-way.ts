import type { EdgeSingular } from 'cytoscape';
import type { Point } from './layered-layout.ts';

/** Has an edge go by some points, or straight where there are none. */
export function setWay(edge: EdgeSingular, points: readonly Point[]): void {
  if (points.length === 0) {
    edge.removeStyle('curve-style segment-weights segment-distances segment-radii edge-distances');
    return;
  }
  const from = edge.source().position();
  const to = edge.target().position();
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  // Told as shares of the straight way, and distances from it.
  const weights = points.map(({ x, y }) => ((x - from.x) * dx + (y - from.y) * dy) / length ** 2);
  const distances = points.map(({ x, y }) => ((y - from.y) * dx - (x - from.x) * dy) / length);
  edge.style({
    'curve-style': 'round-segments',
    'segment-weights': weights.join(' '),
    'segment-distances': distances.join(' '),
    'segment-radii': points.map(() => 24).join(' '),
    'edge-distances': 'node-position',
  });
}
