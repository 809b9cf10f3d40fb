import { describe, expect, it } from '@jest/globals';
import { beginSlowStart, slowStartShare } from '../../../../client-sdk/src/balancer/slow-start.ts';
import { endpoint } from '../fixtures.ts';

const SLOW_START_MS = 10_000;

describe('slow start', () => {
  it('grows in a straight line from a tenth to the full share, and is over then', () => {
    const each = endpoint('a');
    beginSlowStart(each, 1000, 0, SLOW_START_MS);
    const share = (now: number) => slowStartShare(each, now, SLOW_START_MS);
    expect([1000, 1500, 2000, 6000, 10_999].map(share)).toEqual([0.1, 0.1, 0.1, 0.5, 0.9999]);
    expect(share(11_000)).toBe(1);
    expect(each.warmingSince).toBeUndefined();
    expect(share(2000)).toBe(1);
  });

  it('takes the time into account that the process has been running', () => {
    const each = endpoint('a');
    beginSlowStart(each, 1000, 4000, SLOW_START_MS);
    expect(slowStartShare(each, 1000, SLOW_START_MS)).toBe(0.4);
  });

  it('is not for one that has been running for that long, nor when it is switched off', () => {
    const each = endpoint('a');
    beginSlowStart(each, 0, SLOW_START_MS, SLOW_START_MS);
    beginSlowStart(each, 0, 0, 0);
    expect(each.warmingSince).toBeUndefined();
    expect(slowStartShare(each, 0, SLOW_START_MS)).toBe(1);
  });

  it('takes a process whose clock is ahead for one that starts now (F25)', () => {
    const each = endpoint('a');
    beginSlowStart(each, 500, -3_600_000, SLOW_START_MS);
    expect(each.warmingSince).toBe(500);
  });

  it('follows a change of its time', () => {
    const each = endpoint('a');
    beginSlowStart(each, 0, 0, SLOW_START_MS);
    expect(slowStartShare(each, 2000, 4000)).toBe(0.5);
    expect(slowStartShare(each, 2000, 0)).toBe(1);
  });
});
