import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SortedList } from '../../../registry/src/store/sorted-list.ts';

const key = fc.string({ minLength: 1, maxLength: 2 });
const change = fc.record({
  key,
  value: fc.option(fc.nat(), { nil: undefined }),
  isRead: fc.boolean(),
});

describe('SortedList', () => {
  it('is like a map whose keys are sorted, whatever is done to it; what it answered stays', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), key, (changes, from) => {
        const list = new SortedList<{ key: string; value: number }>((item) => item.key);
        const map = new Map<string, { key: string; value: number }>();
        const answered: [readonly unknown[], unknown[]][] = [];
        for (const { key, value, isRead } of changes) {
          if (value === undefined) {
            list.delete(key);
            map.delete(key);
          } else {
            list.put({ key, value });
            map.set(key, { key, value });
          }
          if (isRead) answered.push([list.items, [...list.items]]);
        }
        const sorted = [...map.keys()].sort().map((each) => map.get(each));
        expect(list.items).toEqual(sorted);
        expect(list.size).toBe(map.size);
        expect([...list.from(from)]).toEqual(sorted.filter((item) => (item?.key ?? '') >= from));
        expect(list.get(from)).toEqual(map.get(from));
        for (const [items, then] of answered) expect(items).toEqual(then);
      }),
    );
  });
});
