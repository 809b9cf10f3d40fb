import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { isStalled } from '../../../../client-sdk/src/balancer/stall.ts';
import { candidate } from './strategy-fixtures.ts';

/** One with `count` unary calls in flight since `now`. */
function busy(count: number, now = 0): Endpoint {
  const each = candidate('a');
  for (let i = 0; i < count; i += 1) each.unaryStarted(now);
  return each;
}

/** Lets calls there take `latencyMs`, as measured at `now`. */
function measured(each: Endpoint, latencyMs: number, now: number): void {
  each.unaryStarted(now - latencyMs);
  each.unaryEnded(now - latencyMs, now, 'success');
}

describe('isStalled', () => {
  it('takes three calls in flight', () => {
    expect(isStalled(busy(2), 60_000)).toBe(false);
    expect(isStalled(busy(3), 60_000)).toBe(true);
  });

  it('takes half a second of silence', () => {
    const each = busy(3);
    expect(isStalled(each, 499)).toBe(false);
    expect(isStalled(each, 500)).toBe(true);
  });

  it('takes longer where calls take longer: four times what they take', () => {
    const each = candidate('a');
    measured(each, 1000, 1000);
    for (let i = 0; i < 3; i += 1) each.unaryStarted(1000);
    expect(isStalled(each, 3500)).toBe(false);
    expect(isStalled(each, 5000)).toBe(true);
  });

  it('is over with an answer, and not with a failure or a call taken back', () => {
    const each = busy(5);
    each.unaryStarted(590);
    each.unaryEnded(590, 600, 'failure');
    expect(isStalled(each, 600)).toBe(true);
    each.unaryEnded(0, 600, 'neutral');
    expect(isStalled(each, 600)).toBe(true);
    each.unaryStarted(0);
    each.unaryEnded(0, 600, 'success');
    expect(isStalled(each, 1099)).toBe(false);
  });

  it('counts the silence from when the first call began, not from long before', () => {
    const each = busy(1);
    each.unaryEnded(0, 10, 'success');
    for (let i = 0; i < 3; i += 1) each.unaryStarted(60_000);
    expect(isStalled(each, 60_400)).toBe(false);
  });
});
