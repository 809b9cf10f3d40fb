import { describe, expect, it } from '@jest/globals';
import { AverageLatency } from '../../../../client-sdk/src/balancer/average-latency.ts';
import { DECAY_MS } from '../../../../client-sdk/src/balancer/decay.ts';
import { PeakEwma } from '../../../../client-sdk/src/balancer/peak-ewma.ts';

/** A call from `start` on that takes so long and succeeds. */
function answer(latency: PeakEwma, start: number, tookMs: number): void {
  latency.started(start);
  latency.ended(start, start + tookMs, tookMs);
}

function fail(latency: PeakEwma, start: number, tookMs: number): void {
  latency.started(start);
  latency.failed(start, start + tookMs);
}

describe('PeakEwma', () => {
  it('takes a slow answer at once and in full, and a fast one bit by bit', () => {
    const latency = new PeakEwma(0);
    answer(latency, 0, 20);
    answer(latency, 20, 500);
    expect(latency.latencyAt(520)).toBe(500);
    answer(latency, 520, 20);
    expect(latency.latencyAt(540)).toBeGreaterThan(490);
    for (let now = 540; now < 60_000; now += 100) answer(latency, now, 20);
    expect(latency.latencyAt(60_000)).toBeLessThan(22);
  });

  it('fades without any answer: from 500 ms to 20 ms in about 32 s', () => {
    const latency = new PeakEwma(0);
    answer(latency, 0, 500);
    expect(latency.latencyAt(500 + DECAY_MS)).toBeCloseTo(500 / Math.E);
    expect(latency.latencyAt(500 + 32_000)).toBeGreaterThan(20);
    expect(latency.latencyAt(500 + 32_500)).toBeLessThan(20);
  });

  it('grows with the mean age of what is in flight, and forgets it when that ends untold', () => {
    const latency = new PeakEwma(0);
    answer(latency, 0, 20);
    latency.started(1000);
    latency.started(1200);
    expect(latency.latencyAt(1600)).toBe(500);
    latency.ended(1000, 1600, undefined);
    expect(latency.latencyAt(1600)).toBe(400);
    latency.ended(1200, 1600, undefined);
    expect(latency.latencyAt(1600)).toBeLessThan(20);
  });

  it('starts from the average of the service', () => {
    const average = new AverageLatency();
    expect(new PeakEwma(0, average).latencyAt(0)).toBe(0);
    const [fast, slow] = [new PeakEwma(0, average), new PeakEwma(0, average)];
    for (let now = 0; now < 60_000; now += 100) {
      answer(fast, now, 10);
      answer(slow, now, 30);
    }
    const late = new PeakEwma(60_000, average);
    expect(late.latencyAt(60_000)).toBeGreaterThan(18);
    expect(late.latencyAt(60_000)).toBeLessThan(22);
    // It fades with those of the others while nothing is called.
    expect(new PeakEwma(70_000, average).latencyAt(70_000)).toBeLessThan(
      fast.latencyAt(70_000) * 2.5,
    );
  });

  it('a clock that stands still or runs back does no harm', () => {
    const latency = new PeakEwma(1000);
    latency.started(1000);
    latency.ended(1000, 900, 20);
    expect(latency.latencyAt(800)).toBe(20);
    fail(latency, 700, 1);
    expect(Number.isFinite(latency.latencyAt(600))).toBe(true);
  });
});

describe('a failure (F7)', () => {
  it('costs a multiple of what calls to the service take, though it came fast', () => {
    const average = new AverageLatency();
    answer(new PeakEwma(0, average), 0, 20);
    const latency = new PeakEwma(0, average);
    fail(latency, 20, 1);
    expect(latency.latencyAt(21)).toBeCloseTo(80, 0);
    expect(latency.latencyAt(21 + DECAY_MS)).toBeCloseTo(80 / Math.E, 0);
  });

  it('costs more with each in a row, up to a minute, until one succeeds', () => {
    const latency = new PeakEwma(0);
    const costs: number[] = [];
    for (let now = 0; now < 10; now += 1) {
      fail(latency, now, 1);
      costs.push(Math.round(latency.latencyAt(now + 1)));
    }
    expect(costs.slice(0, 4)).toEqual([4, 16, 64, 256]);
    expect(costs.at(-1)).toBe(60_000);
    answer(latency, 200_000, 10);
    fail(latency, 200_010, 1);
    expect(latency.latencyAt(200_011)).toBeCloseTo(40, 0);
  });

  it('is one failure for all that was under way at the time', () => {
    const latency = new PeakEwma(0);
    for (let i = 0; i < 100; i += 1) latency.started(0);
    for (let i = 0; i < 100; i += 1) latency.failed(0, 3);
    expect(latency.latencyAt(3)).toBe(4);
  });

  it('that took long counts as that long as well', () => {
    const latency = new PeakEwma(0);
    fail(latency, 0, 2000);
    expect(latency.latencyAt(2000)).toBe(2000);
  });

  it('now and then does not hide which endpoint is slow', () => {
    const average = new AverageLatency();
    const fast = new PeakEwma(0, average);
    const slow = new PeakEwma(0, average);
    for (let now = 0; now < 100_000; now += 100) {
      if (now % 3000 === 0) fail(fast, now, 1);
      else answer(fast, now, 20);
      if (now % 5000 === 0) answer(slow, now, 500);
    }
    expect(fast.latencyAt(100_000) * 2).toBeLessThan(slow.latencyAt(100_000));
  });
});
