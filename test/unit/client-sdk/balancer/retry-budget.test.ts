import { describe, expect, it } from '@jest/globals';
import { RetryBudget } from '../../../../client-sdk/src/balancer/retry-budget.ts';

const onlyShare = { ratio: 0.2, minPerSecond: 0 };

function calls(budget: RetryBudget, count: number, now: number): void {
  for (let i = 0; i < count; i += 1) budget.deposit(now);
}

/** How many retries are let through of `tries`. */
function retries(budget: RetryBudget, tries: number, now: number, options = onlyShare): number {
  let passed = 0;
  for (let i = 0; i < tries; i += 1) passed += Number(budget.withdraw(now, options));
  return passed;
}

describe('RetryBudget', () => {
  it('allows a share of the calls', () => {
    const budget = new RetryBudget(0);
    expect(retries(budget, 5, 0)).toBe(0);
    calls(budget, 100, 0);
    expect(retries(budget, 100, 5)).toBe(20);
  });

  it('allows a few a second besides, for rare calls', () => {
    const budget = new RetryBudget(0);
    expect(retries(budget, 1000, 0, { ratio: 0.2, minPerSecond: 10 })).toBe(100);
    expect(retries(budget, 1000, 500, { ratio: 0.2, minPerSecond: 10 })).toBe(0);
  });

  it('remembers calls and retries for ten seconds', () => {
    const budget = new RetryBudget(0);
    calls(budget, 100, 500);
    expect(retries(budget, 100, 5000)).toBe(20);
    calls(budget, 50, 8000);
    expect(retries(budget, 100, 9999)).toBe(10);
    // The 100 calls are past, the 30 retries not yet.
    expect(retries(budget, 100, 10_000)).toBe(0);
    // 20 of those are past too: 10 of the 50 calls' are left, which the ten others have had.
    expect(retries(budget, 100, 15_000)).toBe(0);
    calls(budget, 50, 16_000);
    expect(retries(budget, 100, 16_000)).toBe(10);
  });

  it('forgets all after a long rest, however long, and wherever the clock began', () => {
    const budget = new RetryBudget(1_234_567);
    calls(budget, 100, 1_234_567);
    retries(budget, 100, 1_234_567);
    expect(retries(budget, 5, 1_234_567 + 3_600_000)).toBe(0);
    calls(budget, 10, 1_234_567 + 3_600_000);
    expect(retries(budget, 5, 1_234_567 + 3_600_001)).toBe(2);
  });

  it('follows a change of its options at once', () => {
    const budget = new RetryBudget(0);
    calls(budget, 100, 0);
    expect(retries(budget, 100, 0, { ratio: 0, minPerSecond: 0 })).toBe(0);
    expect(retries(budget, 100, 0, { ratio: 1, minPerSecond: 0 })).toBe(100);
    expect(retries(budget, 100, 0, { ratio: 0.5, minPerSecond: 0 })).toBe(0);
  });

  it('F33: keeps the load at 1.2 times what is offered when everything fails, over an hour', () => {
    const budget = new RetryBudget(0);
    let sent = 0;
    let offered = 0;
    for (let now = 0; now < 3_600_000; now += 10) {
      budget.deposit(now);
      offered += 1;
      sent += 1 + retries(budget, 2, now);
    }
    expect(sent / offered).toBeLessThanOrEqual(1.2);
    expect(sent / offered).toBeGreaterThan(1.19);
  });
});
