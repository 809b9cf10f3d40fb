import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { OutlierDetector } from '../../../../client-sdk/src/balancer/outlier-detector.ts';
import { OUTLIER_EJECTION } from '../../../../client-sdk/src/policy/policy-defaults.ts';
import { endpoint } from '../fixtures.ts';

const options = OUTLIER_EJECTION;

function endpoints(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, i) => endpoint(`e${i}`));
}

function observe(detector: OutlierDetector, each: Endpoint, successes: number, failures: number) {
  for (let i = 0; i < failures; i += 1) detector.observe(each, true, options);
  for (let i = 0; i < successes; i += 1) detector.observe(each, false, options);
}

describe('failures in a row', () => {
  it('are told at the fifth, and a success begins again', () => {
    const detector = new OutlierDetector();
    const each = endpoint('a');
    const fail = () => detector.observe(each, true, options);
    expect([fail(), fail(), fail(), fail()]).toEqual([false, false, false, false]);
    expect(detector.observe(each, false, options)).toBe(false);
    expect([fail(), fail(), fail(), fail(), fail()]).toEqual([false, false, false, false, true]);
  });

  it('go on through the end of an interval', () => {
    const detector = new OutlierDetector();
    const each = endpoint('a');
    for (let i = 0; i < 4; i += 1) detector.observe(each, true, options);
    detector.sweep(options);
    expect(detector.observe(each, true, options)).toBe(true);
  });
});

describe('the success rate', () => {
  it.each([2, 3, 4, 5, 6, 7, 8, 9, 10])('finds the one bad among %i instances', (count) => {
    const detector = new OutlierDetector();
    const [bad, ...good] = endpoints(count) as [Endpoint, ...Endpoint[]];
    for (const each of good) observe(detector, each, 20, 0);
    observe(detector, bad, 10, 10);
    expect(detector.sweep(options)).toEqual([bad]);
  });

  it.each([2, 3, 5, 10])('finds nobody among %i that fare alike', (count) => {
    for (const [successes, failures] of [
      [20, 0],
      [10, 10],
      [0, 20],
    ] as const) {
      const detector = new OutlierDetector();
      for (const each of endpoints(count)) observe(detector, each, successes, failures);
      expect(detector.sweep(options)).toEqual([]);
    }
  });

  it('compares each with the others alone: two that are bad do not hide each other among ten', () => {
    const detector = new OutlierDetector();
    const [worse, bad, ...good] = endpoints(10) as [Endpoint, Endpoint, ...Endpoint[]];
    for (const each of good) observe(detector, each, 20, 0);
    observe(detector, bad, 4, 16);
    observe(detector, worse, 1, 19);
    expect(detector.sweep(options)).toEqual([worse, bad]);
  });

  it('does not eject a good one for being better or worse by little', () => {
    const detector = new OutlierDetector();
    const [first, ...rest] = endpoints(5) as [Endpoint, ...Endpoint[]];
    for (const each of rest) observe(detector, each, 100, 0);
    observe(detector, first, 90, 10);
    expect(detector.sweep(options)).toEqual([]);
  });

  it('says nothing of one that is alone, or was asked too little', () => {
    const detector = new OutlierDetector();
    const [seldom, other] = endpoints(2) as [Endpoint, Endpoint];
    observe(detector, seldom, 0, options.minRequests - 1);
    observe(detector, other, 20, 0);
    expect(detector.sweep(options)).toEqual([]);
    observe(detector, other, 0, 20);
    expect(detector.sweep(options)).toEqual([]);
  });

  it('forgives one failure', () => {
    const detector = new OutlierDetector();
    const [unlucky, other] = endpoints(2) as [Endpoint, Endpoint];
    observe(detector, unlucky, 4, 1);
    observe(detector, other, 5, 0);
    expect(detector.sweep(options)).toEqual([]);
  });

  it('counts each interval anew', () => {
    const detector = new OutlierDetector();
    const [bad, good] = endpoints(2) as [Endpoint, Endpoint];
    observe(detector, bad, 0, 20);
    expect(detector.sweep(options)).toEqual([]);
    observe(detector, good, 20, 0);
    observe(detector, bad, 20, 0);
    expect(detector.sweep(options)).toEqual([]);
  });
});

describe('the time of an ejection (F9)', () => {
  /** Ejects it, lets it return after one interval out of the picks, and ends the interval. */
  function ejectAgain(detector: OutlierDetector, each: Endpoint): number {
    observe(detector, each, 0, 1);
    const forMs = detector.nextEjectionMs(each, options);
    each.ejectedUntil = 1;
    detector.sweep(options);
    each.ejectedUntil = 0;
    detector.sweep(options);
    return forMs;
  }

  it('grows with each in a row, up to the longest', () => {
    const detector = new OutlierDetector();
    const each = endpoint('a');
    const times = Array.from({ length: 40 }, () => ejectAgain(detector, each));
    expect(times.slice(0, 4)).toEqual([10_000, 20_000, 30_000, 40_000]);
    expect(times.at(-1)).toBe(options.maxEjectionMs);
  });

  it('decays by one with each interval that it was in the picks throughout', () => {
    const detector = new OutlierDetector();
    const each = endpoint('a');
    for (let i = 0; i < 4; i += 1) ejectAgain(detector, each);
    observe(detector, each, 1, 0);
    detector.sweep(options);
    detector.sweep(options);
    expect(detector.nextEjectionMs(each, options)).toBe(30_000);
    detector.sweep(options);
    for (let i = 0; i < 3; i += 1) detector.sweep(options);
    expect(detector.isIdle).toBe(false);
    detector.sweep(options);
    expect(detector.isIdle).toBe(true);
    expect(detector.nextEjectionMs(each, options)).toBe(10_000);
  });
});

describe('isIdle', () => {
  it('holds again an interval after the last outcome, or when all are forgotten', () => {
    const detector = new OutlierDetector();
    const [a, b] = endpoints(2) as [Endpoint, Endpoint];
    expect(detector.isIdle).toBe(true);
    observe(detector, a, 1, 0);
    detector.sweep(options);
    expect(detector.isIdle).toBe(false);
    detector.sweep(options);
    expect(detector.isIdle).toBe(true);
    observe(detector, b, 1, 3);
    detector.forget(b);
    expect(detector.isIdle).toBe(true);
  });
});
