import { describe, expect, it } from '@jest/globals';
import { IndexedList } from '../../../../client-sdk/src/balancer/indexed-list.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const none = { isExcluded: () => false };
const all = { isExcluded: () => true };

function listOf(...items: string[]): IndexedList<string> {
  const list = new IndexedList<string>();
  for (const item of items) list.add(item);
  return list;
}

describe('IndexedList', () => {
  it('holds each item once', () => {
    const list = listOf('a', 'b', 'a');
    expect([...list]).toEqual(['a', 'b']);
    expect(list.delete('a')).toBe(true);
    expect(list.delete('a')).toBe(false);
    expect([...list]).toEqual(['b']);
    expect(list.has('a')).toBe(false);
  });

  it('looks from an index on, round the end, past what is excluded', () => {
    const list = listOf('a', 'b', 'c');
    expect(list.firstFrom(1, none)).toBe('b');
    expect(list.firstFrom(5, none)).toBe('c');
    expect(list.firstFrom(2, { isExcluded: (item) => item === 'c' })).toBe('a');
    expect(list.firstFrom(0, all)).toBeUndefined();
    expect(new IndexedList().firstFrom(7, none)).toBeUndefined();
  });

  it('holds what a set holds, over any adds and removes', () => {
    const random = seededRandom(1);
    const list = new IndexedList<number>();
    const model = new Set<number>();
    for (let step = 0; step < 2000; step += 1) {
      const item = Math.floor(random() * 20);
      if (random() < 0.5) {
        list.add(item);
        model.add(item);
      } else {
        expect(list.delete(item)).toBe(model.delete(item));
      }
      expect(list.size).toBe(model.size);
      expect([...list].sort()).toEqual([...model].sort());
      for (const held of model) {
        expect(list.firstFrom(step, { isExcluded: (other) => other !== held })).toBe(held);
      }
    }
  });
});
