import { describe, expect, it } from '@jest/globals';
import { compare, comparePooled, median, quantile, ratioOf } from '../../bench/harness/stats.ts';

describe('quantile', () => {
  it('lies between two values in proportion, whatever their order', () => {
    expect(quantile([4, 1, 3, 2], 0)).toBe(1);
    expect(quantile([4, 1, 3, 2], 1)).toBe(4);
    expect(quantile([10, 20], 0.25)).toBe(12.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('sorts by size, not as text, and leaves the values as they were', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('is no number without values, and infinite where a value is', () => {
    expect(median([])).toBeNaN();
    expect(quantile([1, Infinity, Infinity], 0.75)).toBe(Infinity);
  });
});

describe('compare', () => {
  it('takes the median of the ratios, not the ratio of the medians', () => {
    const found = compare([10, 40, 9], [10, 20, 3]);
    expect(found).toEqual({ value: 10, baseline: 10, ratio: 2, min: 1, max: 3, rounds: 3 });
  });

  it('lets a round that was slow for both count for nothing', () => {
    expect(compare([100, 10, 100], [200, 20, 200]).ratio).toBe(0.5);
  });

  it('refuses arms that did not measure each round', () => {
    expect(() => compare([1, 2], [1])).toThrow(RangeError);
    expect(() => compare([], [])).toThrow(RangeError);
  });
});

describe('ratioOf', () => {
  it('says that nothing is as much as nothing', () => {
    expect(ratioOf(0, 0)).toBe(1);
    expect(ratioOf(3, 0)).toBe(Infinity);
    expect(ratioOf(0, 3)).toBe(0);
  });
});

describe('comparePooled', () => {
  const most = (values: readonly number[]) => Math.max(...values);

  it('looks at all rounds together, and at what each one alone brought about', () => {
    expect(comparePooled([[1, 2], [8], [4]], [[1], [2], [2]], most)).toEqual({
      value: 8,
      baseline: 2,
      ratio: 4,
      min: 2,
      max: 4,
      rounds: 3,
    });
  });

  it('has no spread with one round, and pairs rounds', () => {
    expect(comparePooled([[6]], [[3]], most)).toMatchObject({ ratio: 2, min: 2, max: 2 });
    expect(() => comparePooled([[1]], [[1], [2]], most)).toThrow(RangeError);
  });
});
