import { describe, expect, it } from '@jest/globals';
import { TokenBuckets } from '../../../registry/src/limits/token-buckets.ts';

function taken(buckets: TokenBuckets, owner: string, nowMs: number): number {
  let count = 0;
  while (buckets.take(owner, nowMs) === 0) count += 1;
  return count;
}

describe('token buckets', () => {
  it('give the burst at once, then so many a second, and never more than the burst', () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 20 });
    expect(taken(buckets, 'a', 0)).toBe(20);
    expect(taken(buckets, 'a', 500)).toBe(5);
    expect(taken(buckets, 'a', 1500)).toBe(10);
    expect(taken(buckets, 'a', 3_600_000)).toBe(20);
  });

  it('say how long to wait, and keep their word', () => {
    const buckets = new TokenBuckets({ perSecond: 3, burst: 1 });
    expect(buckets.take('a', 0)).toBe(0);
    const waitMs = buckets.take('a', 100);
    expect(waitMs).toBe(234);
    expect(buckets.take('a', 100 + waitMs - 1)).toBe(1);
    expect(buckets.take('a', 100 + waitMs)).toBe(0);
  });

  it('belong to one owner each', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 });
    expect(taken(buckets, 'a', 0)).toBe(2);
    expect(taken(buckets, 'b', 0)).toBe(2);
  });

  it('F25: lose nothing to a clock that goes back', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 });
    expect(taken(buckets, 'a', 10_000)).toBe(2);
    expect(buckets.take('a', 5000)).toBe(1000);
    expect(buckets.take('a', 6000)).toBe(0);
  });

  it('are bounded in number: the one not used for longest goes', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2, maxOwners: 3 });
    for (const owner of ['a', 'b', 'c']) taken(buckets, owner, 0);
    buckets.take('a', 0);
    taken(buckets, 'd', 0);
    expect(buckets.size).toBe(3);
    expect(taken(buckets, 'a', 0)).toBe(0);
    expect(taken(buckets, 'b', 0)).toBe(2);
  });
});
