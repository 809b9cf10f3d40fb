import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HealthState, ServingStatus } from '@weft/proto';
import { followReadiness } from '../../../registry/src/readiness.ts';
import { Catalog } from '../../../registry/src/store/catalog.ts';

describe('readiness', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function followed() {
    const catalog = new Catalog();
    const health = new HealthState();
    const stop = followReadiness(health, catalog, 1000);
    const isServing = () => health.get('') === ServingStatus.SERVING;
    return { catalog, isServing, stop };
  }

  it('begins when the catalog is filled', () => {
    const { catalog, isServing } = followed();
    catalog.setStale(false);
    expect(isServing()).toBe(false);
    catalog.replace([], 1n);
    expect(isServing()).toBe(true);
  });

  it('F19: ends when the catalog has been stale for a while, and comes back with the store', () => {
    const { catalog, isServing } = followed();
    catalog.replace([], 1n);
    catalog.setStale(false);
    for (let flap = 0; flap < 3; flap += 1) {
      catalog.setStale(true);
      jest.advanceTimersByTime(900);
      catalog.setStale(false);
    }
    jest.advanceTimersByTime(5000);
    expect(isServing()).toBe(true);
    catalog.setStale(true);
    jest.advanceTimersByTime(999);
    expect(isServing()).toBe(true);
    jest.advanceTimersByTime(1);
    expect(isServing()).toBe(false);
    catalog.replace([], 2n, 'another');
    expect(isServing()).toBe(false);
    catalog.setStale(false);
    expect(isServing()).toBe(true);
  });

  it('is told no more once stopped', () => {
    const { catalog, isServing, stop } = followed();
    catalog.replace([], 1n);
    stop();
    jest.advanceTimersByTime(5000);
    expect(isServing()).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
