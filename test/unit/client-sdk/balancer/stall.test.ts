import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { isSilent, isStalled } from '../../../../client-sdk/src/balancer/stall.ts';
import { candidate } from './strategy-fixtures.ts';

/** An endpoint where calls take `latencyMs`, as measured at 0, with `count` in flight since then. */
function busy(count: number, latencyMs = 5): Endpoint {
  const each = candidate('a');
  each.unaryStarted(-latencyMs);
  each.unaryEnded(-latencyMs, 0, 'success');
  for (let i = 0; i < count; i += 1) each.unaryStarted(0);
  return each;
}

describe('isSilent', () => {
  it('takes three calls in flight', () => {
    expect(isSilent(busy(2), 60_000)).toBe(false);
    expect(isSilent(busy(3), 1000)).toBe(true);
  });

  it('takes more than 50 ms, however fast answers are', () => {
    expect(isSilent(busy(3, 1), 50)).toBe(false);
    expect(isSilent(busy(3, 1), 51)).toBe(true);
  });

  it('takes longer where answers take longer: four times what they take', () => {
    const each = busy(3, 1000);
    expect(isSilent(each, 2500)).toBe(false);
    expect(isSilent(each, 4500)).toBe(true);
  });

  it('says nothing where no answer was ever measured', () => {
    const each = candidate('a');
    for (let i = 0; i < 10; i += 1) each.unaryStarted(0);
    expect(isSilent(each, 60_000)).toBe(false);
  });

  it('is over with an answer, and not with a failure or a call taken back', () => {
    const each = busy(6);
    each.unaryEnded(0, 600, 'neutral');
    expect(isSilent(each, 600)).toBe(true);
    each.unaryEnded(0, 600, 'success');
    expect(isSilent(each, 640)).toBe(false);
  });

  it('counts the silence from when the first call began, not from long before', () => {
    const each = busy(0);
    for (let i = 0; i < 3; i += 1) each.unaryStarted(20_000);
    expect(isSilent(each, 20_040)).toBe(false);
  });
});

describe('isStalled', () => {
  it('takes half a second of silence', () => {
    const each = busy(3);
    expect(isStalled(each, 500, 20)).toBe(false);
    expect(isStalled(each, 501, 20)).toBe(true);
  });

  it('takes longer where the slowest answers of the service do: twice what they take', () => {
    const each = busy(3);
    expect(isStalled(each, 2000, 1000)).toBe(false);
    expect(isStalled(each, 2001, 1000)).toBe(true);
  });

  it('says nothing while no answer of the service is known', () => {
    expect(isStalled(busy(3), 60_000, 0)).toBe(false);
  });
});
