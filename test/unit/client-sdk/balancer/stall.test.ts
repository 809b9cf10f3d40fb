import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { MethodLatency } from '../../../../client-sdk/src/balancer/method-latency.ts';
import { isSilent, isStalled, mayBeStalled } from '../../../../client-sdk/src/balancer/stall.ts';
import { candidate } from './strategy-fixtures.ts';

/** An endpoint whose process does not answer pings, where a method was answered in `latencyMs` at 0, with `count` calls of it since then. */
function busy(count: number, latencyMs = 5): { each: Endpoint; method: MethodLatency } {
  const each = candidate('a');
  const method = new MethodLatency();
  each.unaryStarted(-latencyMs, method);
  each.unaryEnded({ startedAt: -latencyMs, isAwaited: false }, 0, 'success', method);
  for (let i = 0; i < count; i += 1) each.unaryStarted(0, method);
  each.pingedAt = 0;
  return { each, method };
}

describe('isSilent', () => {
  it('takes three calls in flight', () => {
    expect(isSilent(busy(2).each, 1000)).toBe(false);
    expect(isSilent(busy(3).each, 1000)).toBe(true);
  });

  it('takes more than 50 ms, however fast answers are', () => {
    expect(isSilent(busy(3, 1).each, 50)).toBe(false);
    expect(isSilent(busy(3, 1).each, 51)).toBe(true);
  });

  it('takes longer where answers take longer: four times what they take', () => {
    const { each } = busy(3, 1000);
    expect(isSilent(each, 2500)).toBe(false);
    expect(isSilent(each, 4500)).toBe(true);
  });

  it('says nothing of calls whose method was never answered, or not for a minute', () => {
    const each = candidate('a');
    const unknown = new MethodLatency();
    for (let i = 0; i < 10; i += 1) expect(each.unaryStarted(0, unknown)).toBe(false);
    expect(isSilent(each, 60_000)).toBe(false);
    unknown.answered(0, 5, each);
    expect(each.unaryStarted(60_001, unknown)).toBe(false);
    expect(each.unaryStarted(59_999, unknown)).toBe(true);
  });

  it('is not taken in by a slow method that follows fast ones', () => {
    const { each, method: fast } = busy(0);
    const slow = new MethodLatency();
    slow.answered(0, 2000, each);
    for (let i = 0; i < 5; i += 1) each.unaryStarted(0, slow);
    each.unaryStarted(0, fast);
    each.unaryEnded({ startedAt: 0, isAwaited: true }, 5, 'success', fast);
    expect(isSilent(each, 2500)).toBe(false);
    expect(isStalled(each, 3600)).toBe(false);
    expect(isStalled(each, 4000)).toBe(true);
  });

  it('is over with an answer, and not with a failure or a call taken back', () => {
    const { each, method } = busy(6);
    const attempt = { startedAt: 0, isAwaited: true };
    each.unaryEnded(attempt, 600, 'neutral', method);
    expect(isSilent(each, 600)).toBe(true);
    each.unaryEnded(attempt, 600, 'success', method);
    expect(isSilent(each, 640)).toBe(false);
    expect(each.awaited).toBe(4);
  });

  it('counts the silence from when the first call began, not from long before', () => {
    const { each, method } = busy(0);
    for (let i = 0; i < 3; i += 1) each.unaryStarted(20_000, method);
    expect(isSilent(each, 20_040)).toBe(false);
  });
});

describe('isStalled', () => {
  it('takes a ping that is without an answer for 200 ms', () => {
    const { each } = busy(3);
    each.pingedAt = undefined;
    expect(isStalled(each, 10_000)).toBe(false);
    each.pingedAt = 9_801;
    expect(isStalled(each, 10_000)).toBe(false);
    each.pingedAt = 9_800;
    expect(isStalled(each, 10_000)).toBe(true);
  });

  it('is put off by the answer to a ping', () => {
    const { each } = busy(3);
    each.aliveAt = 9_600;
    expect(isStalled(each, 10_000)).toBe(false);
    expect(isStalled(each, 10_101)).toBe(true);
  });

  it('is suspected after half the time', () => {
    expect(mayBeStalled(busy(3).each, 250)).toBe(false);
    expect(mayBeStalled(busy(3).each, 251)).toBe(true);
    expect(mayBeStalled(busy(1).each, 375)).toBe(false);
    expect(mayBeStalled(busy(1).each, 376)).toBe(true);
    expect(mayBeStalled(busy(0).each, 60_000)).toBe(false);
  });

  it('takes half a second of silence', () => {
    expect(isStalled(busy(3).each, 500)).toBe(false);
    expect(isStalled(busy(3).each, 501)).toBe(true);
  });

  it('takes longer for a call or two, which are all that load by latency leaves there', () => {
    expect(isStalled(busy(1).each, 750)).toBe(false);
    expect(isStalled(busy(1).each, 751)).toBe(true);
    expect(isStalled(busy(0).each, 60_000)).toBe(false);
  });

  it('takes longer where the slowest answers do: twice, or for a call or two three times', () => {
    expect(isStalled(busy(3, 400).each, 1300)).toBe(false);
    expect(isStalled(busy(3, 400).each, 1500)).toBe(true);
    expect(isStalled(busy(1, 400).each, 1150)).toBe(false);
    expect(isStalled(busy(1, 400).each, 1201)).toBe(true);
  });
});
