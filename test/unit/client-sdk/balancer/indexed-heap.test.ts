import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IndexedHeap } from '../../../../client-sdk/src/balancer/indexed-heap.ts';

describe('IndexedHeap', () => {
  it('has the slot with the lowest key on top, over any course of changes', () => {
    const step = fc.record({
      what: fc.constantFrom('push', 'push', 'update', 'remove', 'lower'),
      slot: fc.nat(60),
      key: fc.double({ min: -1000, max: 1000, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const heap = new IndexedHeap();
        const model = new Map<number, number>();
        for (const { what, slot, key } of steps) {
          const isThere = model.has(slot);
          if (what === 'lower') {
            heap.lower(1);
            for (const [each, value] of model) model.set(each, value - 1);
          } else if (what === 'push' && !isThere) {
            heap.push(slot, key);
            model.set(slot, key);
          } else if (what === 'update' && isThere) {
            heap.update(slot, key);
            model.set(slot, key);
          } else if (what === 'remove' && isThere) {
            heap.remove(slot);
            model.delete(slot);
          }
          expect(heap.size).toBe(model.size);
          expect(heap.has(slot)).toBe(model.has(slot));
          if (model.size === 0) expect(heap.top).toBe(-1);
          else expect(heap.keyOf(heap.top)).toBe(Math.min(...model.values()));
        }
        for (const [slot, key] of model) expect(heap.keyOf(slot)).toBe(key);
      }),
    );
  });
});
