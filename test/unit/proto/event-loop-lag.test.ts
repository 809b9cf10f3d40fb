import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LAG_SAMPLE_MS, onEventLoopLag } from '../../../proto/src/event-loop-lag.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('onEventLoopLag', () => {
  it('tells each listener the lag, with one timer for all, gone with the last of them', () => {
    const first: number[] = [];
    const second: number[] = [];
    const offFirst = onEventLoopLag((lagMs) => first.push(lagMs));
    const offSecond = onEventLoopLag((lagMs) => second.push(lagMs));
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(LAG_SAMPLE_MS * 2);
    expect(first).toEqual([0, 0]);
    offFirst();
    jest.advanceTimersByTime(LAG_SAMPLE_MS);
    expect([first.length, second.length]).toEqual([2, 3]);
    offSecond();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('measures a blocked loop', () => {
    const lags: number[] = [];
    const off = onEventLoopLag((lagMs) => lags.push(Math.round(lagMs)));
    // The clock moves on and no timer runs: what a busy handler does.
    const now = performance.now() + LAG_SAMPLE_MS + 300;
    jest.spyOn(performance, 'now').mockReturnValueOnce(now);
    jest.advanceTimersByTime(LAG_SAMPLE_MS);
    expect(lags).toEqual([300]);
    off();
  });
});
