import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
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
  let counter: TrafficCounter;
  beforeEach(() => {
    counter = new TrafficCounter();
  });

  function counted(at: Endpoint, path: string, statusCode: number, durationMs: number): void {
    counter.started(at, path, false, 0);
    counter.count(at, path, statusCode, durationMs, 0);
  }

  it('counts by instance, method and status until it is taken', () => {
    const [a, b] = [endpoint('a'), endpoint('b')];
    counted(a, '/x.Y/Get', 0, 1);
    counted(a, '/x.Y/Get', 0, 2);
    counted(a, '/x.Y/Get', 14, 1);
    counted(a, '/x.Y/Put', 0, 1);
    counted(b, '/x.Y/Get', 99, 1);
    expect(counter.take(10, 2)).toEqual([
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
        busyMs: 4,
      },
      expect.objectContaining({ instanceId: 'a', method: '/x.Y/Put' }),
      // What gRPC does not know is UNKNOWN.
      expect.objectContaining({ instanceId: 'b', statuses: new Map([[2, 1n]]) }),
    ]);
    expect(counter.take(10, 2)).toEqual([]);
    counted(b, '/x.Y/Get', 0, 1);
    expect(counter.take(10, 2)).toMatchObject([{ instanceId: 'b', statuses: new Map([[0, 1n]]) }]);
  });

  it('drops what is over the limit, and keeps none of it for the next time', () => {
    for (let id = 0; id < 20; id += 1) counted(endpoint(`e${id}`), '/x.Y/Get', 0, 1);
    expect(counter.take(5, 2)).toHaveLength(5);
    expect(counter.take(5, 2)).toEqual([]);
  });

  it('tells for how long attempts were under way, those too that still are, each time its part', () => {
    const a = endpoint('a');
    const path = '/x.Y/Watch';
    counter.started(a, path, false, 1000);
    counter.started(a, path, false, 1500);
    expect(counter.take(10, 2000)).toMatchObject([{ busyMs: 1500, statuses: new Map() }]);
    expect(counter.take(10, 4000)).toMatchObject([{ busyMs: 4000 }]);
    counter.count(a, path, 0, 3500, 1000);
    expect(counter.take(10, 5000)).toMatchObject([{ busyMs: 1500, latency: { sumMs: 3500 } }]);
    counter.count(a, path, 0, 3500, 1500);
    expect(counter.take(10, 6000)).toMatchObject([{ busyMs: 0 }]);
    expect(counter.take(10, 7000)).toEqual([]);
  });
});
