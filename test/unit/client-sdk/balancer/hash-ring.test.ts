import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HashRing } from '../../../../client-sdk/src/balancer/hash-ring.ts';

interface Point {
  position: number;
  owner: number;
}

const byPlace = (a: Point, b: Point) => a.position - b.position || a.owner - b.owner;

/** Owners of all points, from the first at `position` or after it. */
function ownersFrom(ring: HashRing, position: number): number[] {
  const owners: number[] = [];
  let point = ring.firstFrom(position);
  for (let i = 0; i < ring.size; i += 1) {
    owners.push(ring.ownerOf(point));
    point = ring.after(point);
  }
  return owners;
}

describe('HashRing', () => {
  const anywhere = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  // Close together, at the same place, and at both ends, as well as anywhere.
  const position = fc.oneof(
    anywhere,
    fc.nat(3),
    fc.integer({ min: 2 ** 32 - 4, max: 2 ** 32 - 1 }),
    fc.integer({ min: 2 ** 31 - 3, max: 2 ** 31 + 3 }),
  );

  it('holds its points in order, whatever came and went', () => {
    const step = fc.record({ isAdded: fc.boolean(), position, owner: fc.nat(3), probe: anywhere });
    const run = (steps: (Point & { isAdded: boolean; probe: number })[]) => {
      const ring = new HashRing((owner, other) => owner < other);
      const model: Point[] = [];
      for (const { isAdded, position, owner, probe } of steps) {
        const index = model.findIndex((each) => each.position === position && each.owner === owner);
        if (isAdded && index < 0) {
          ring.add(position, owner);
          model.push({ position, owner });
        } else if (!isAdded) {
          ring.remove(position, owner);
          if (index >= 0) model.splice(index, 1);
        }
        model.sort(byPlace);
        expect(ring.size).toBe(model.length);
        if (model.length === 0) continue;
        const start = model.findIndex((each) => each.position >= probe);
        const turned = start < 0 ? model : [...model.slice(start), ...model.slice(0, start)];
        expect(ownersFrom(ring, probe)).toEqual(turned.map((each) => each.owner));
      }
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 150 }), run));
  });

  it('grows and shrinks', () => {
    const ring = new HashRing((owner, other) => owner < other);
    const position = (i: number) => Math.imul(i, 0x9e3779b1) >>> 0;
    for (let i = 0; i < 20_000; i += 1) ring.add(position(i), i);
    for (let i = 0; i < 20_000; i += 97) {
      expect(ring.ownerOf(ring.firstFrom(position(i)))).toBe(i);
    }
    for (let i = 1; i < 20_000; i += 1) ring.remove(position(i), i);
    expect(ring.size).toBe(1);
    expect(ring.ownerOf(ring.firstFrom(12_345))).toBe(0);
    expect(ring.ownerOf(ring.after(ring.firstFrom(12_345)))).toBe(0);
  });
});
