import { describe, expect, it, jest } from '@jest/globals';
import { instance, settle } from '../fixtures.ts';
import {
  balancer,
  begin,
  change,
  endTurn,
  list,
  rotation,
  told,
  UNAVAILABLE,
} from './balancer-harness.ts';

describe('10,000 instances that come and go', () => {
  it('leave no window to roll, no timer and no place behind', async () => {
    list(instance('stays'));
    begin().end(UNAVAILABLE);
    await settle();
    const timers = jest.getTimerCount();
    for (let i = 0; i < 10_000; i += 1) {
      const passing = instance(`e${i}`);
      change({ put: [passing] });
      for (const each of balancer.endpoints) balancer.setConnection(each, { state: 'ready' });
      // Fewest in flight: the new one, then the old one.
      const attempts = [begin(), begin()];
      for (const attempt of attempts)
        attempt.end(i % 2 === 0 ? UNAVAILABLE : 0, { restMs: i % 7 === 0 ? 100 : undefined });
      endTurn();
      if (i % 100 === 0) await settle();
      change({ removed: [passing] });
      if (i % 1000 === 0) expect(rotation.size).toBeLessThanOrEqual(1);
    }
    await settle();
    expect(told).toHaveLength(20_001);
    expect(rotation.size).toBeLessThanOrEqual(1);
    expect(jest.getTimerCount()).toBeLessThanOrEqual(timers + 1);
    expect(balancer.size).toBe(1);
    expect(balancer.inFlight).toBe(0);
    expect(balancer.placement.listedCount).toBe(1);
    expect(balancer.placement.sidelined.size).toBeLessThanOrEqual(1);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(rotation.size).toBe(0);
  });

  it('touch none of the others (1,000 of them)', () => {
    list(...Array.from({ length: 1000 }, (_, i) => instance(`e${i}`)));
    const before = new Set(balancer.endpoints);
    told.length = 0;
    for (let i = 0; i < 100; i += 1) {
      change({ put: [instance('new')] });
      change({ removed: [instance('new')] });
    }
    expect(new Set(told)).toEqual(new Set(['added new', 'removed new']));
    expect(new Set(balancer.endpoints)).toEqual(before);
  });
});
