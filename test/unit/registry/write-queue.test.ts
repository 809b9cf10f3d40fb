import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WriteQueue } from '../../../registry/src/store/write-queue.ts';

describe('WriteQueue', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const outcomes = (writes: Promise<unknown>[]) =>
    writes.map((write) =>
      write.then(
        (value) => value,
        (error: { code?: string }) => error.code,
      ),
    );

  it('runs so many at once, the others in order, whatever becomes of them', async () => {
    const queue = new WriteQueue({ limit: 2, isAway: () => false });
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const writes = Array.from({ length: 6 }, (_, index) =>
      queue.run(async () => {
        started.push(index);
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        if (index === 1) throw Object.assign(new Error('no'), { code: 'bad' });
        return index;
      }),
    );
    expect(await Promise.all(outcomes(writes))).toEqual([0, 'bad', 2, 3, 4, 5]);
    expect(started).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it.each([
    ['2 s while the store is away', true, 2000],
    ['10 s in any case', false, 10_000],
  ])('lets a write wait at most %s, and is usable after', async (_, isAway, waitMs) => {
    const queue = new WriteQueue({ limit: 1, isAway: () => isAway });
    const { promise, resolve } = Promise.withResolvers<string>();
    const holding = queue.run(() => promise);
    let failed = '';
    const write = jest.fn(async () => 'never');
    void queue.run(write).catch((error: { code: string }) => {
      failed = error.code;
    });
    await jest.advanceTimersByTimeAsync(waitMs - 1);
    expect(failed).toBe('');
    await jest.advanceTimersByTimeAsync(1);
    expect(failed).toBe('unavailable');
    resolve('done');
    expect(await holding).toBe('done');
    expect(await queue.run(async () => 'next')).toBe('next');
    expect(write).not.toHaveBeenCalled();
  });
});
