import { describe, expect, it } from '@jest/globals';
import {
  BUCKETS,
  bucketOf,
  indexOfBucket,
} from '../../../../client-sdk/src/telemetry/latency-buckets.ts';
import { TrafficCounter } from '../../../../client-sdk/src/telemetry/traffic-counter.ts';
import { endpoint } from '../fixtures.ts';

const indexOf = (ms: number) => indexOfBucket(bucketOf(ms));

describe('the bucket of a duration', () => {
  it('holds 2^(index/4) ms and more, and less than the next begins with', () => {
    expect([1, 1.18, 1.19, 2, 1000].map(indexOf)).toEqual([0, 0, 1, 4, 39]);
    for (let index = -40; index <= 80; index += 1) {
      expect(indexOf(2 ** (index / 4) * 1.0001)).toBe(index);
    }
  });

  it.each([0, -1, Number.NaN, 1e-9])('is the lowest for %d', (ms) => {
    expect(bucketOf(ms)).toBe(0);
  });

  it('is the highest for whatever takes longer', () => {
    expect([bucketOf(1e9), bucketOf(Number.POSITIVE_INFINITY)]).toEqual([BUCKETS - 1, BUCKETS - 1]);
  });
});

describe('a traffic counter', () => {
  it('counts by instance, method and status until it is taken', () => {
    const counter = new TrafficCounter();
    const [a, b] = [endpoint('a'), endpoint('b')];
    counter.count(a, '/x.Y/Get', 0, 1);
    counter.count(a, '/x.Y/Get', 0, 2);
    counter.count(a, '/x.Y/Get', 14, 1);
    counter.count(a, '/x.Y/Put', 0, 1);
    counter.count(b, '/x.Y/Get', 99, 1);
    expect(counter.take(10)).toEqual([
      {
        service: 'echo',
        instanceId: 'a',
        method: '/x.Y/Get',
        statuses: new Map([
          [0, 2n],
          [14, 1n],
        ]),
        latency: {
          counts: new Map([
            [0, 2n],
            [4, 1n],
          ]),
          sumMs: 4,
        },
      },
      expect.objectContaining({ instanceId: 'a', method: '/x.Y/Put' }),
      // What gRPC does not know is UNKNOWN.
      expect.objectContaining({ instanceId: 'b', statuses: new Map([[2, 1n]]) }),
    ]);
    expect(counter.take(10)).toEqual([]);
    counter.count(b, '/x.Y/Get', 0, 1);
    expect(counter.take(10)).toMatchObject([{ instanceId: 'b', statuses: new Map([[0, 1n]]) }]);
  });

  it('drops what is over the limit, and keeps none of it for the next time', () => {
    const counter = new TrafficCounter();
    for (let id = 0; id < 20; id += 1) counter.count(endpoint(`e${id}`), '/x.Y/Get', 0, 1);
    expect(counter.take(5)).toHaveLength(5);
    expect(counter.take(5)).toEqual([]);
  });
});
