import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WakeTurns } from '../../../registry/src/wake-turns.ts';

describe('waking many', () => {
  it('wakes the first ones at once, the rest in later turns, and all in the order in which they came', async () => {
    const turns = new WakeTurns();
    const woken: number[] = [];
    for (let index = 0; index < 100; index += 1) turns.add(() => woken.push(index));
    const first = woken.length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(100);
    await setImmediate();
    const second = woken.length;
    expect(second).toBeGreaterThan(first);
    expect(second).toBeLessThan(100);
    while (woken.length < 100) await setImmediate();
    expect(woken).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('lets nobody overtake those that wait', async () => {
    const turns = new WakeTurns();
    const woken: string[] = [];
    for (let index = 0; index < 50; index += 1) turns.add(() => woken.push('early'));
    await setImmediate();
    turns.add(() => woken.push('late'));
    while (woken.length < 51) await setImmediate();
    expect(woken.at(-1)).toBe('late');
  });

  it('wakes at once again after a quiet turn', async () => {
    const turns = new WakeTurns();
    for (let index = 0; index < 40; index += 1) turns.add(() => {});
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    let isWoken = false;
    turns.add(() => {
      isWoken = true;
    });
    expect(isWoken).toBe(true);
  });
});
