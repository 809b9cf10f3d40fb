import { describe, expect, it } from '@jest/globals';
import { whenFree } from '../../../../services/shared/src/busy-wait.ts';

const busy = new Error('busy');
const isBusy = (error: unknown) => error === busy;
const random = () => 0;

/** Work that finds the lock taken `times` times. */
function busyFor(times: number) {
  let tries = 0;
  return {
    get tries() {
      return tries;
    },
    work: () => {
      tries += 1;
      if (tries <= times) throw busy;
      return 'done';
    },
  };
}

describe('whenFree', () => {
  it('tries until the lock is free', async () => {
    const lock = busyFor(4);
    expect(await whenFree(lock.work, { isBusy, isOver: () => false, random })).toBe('done');
    expect(lock.tries).toBe(5);
  });

  it('tries once if the wait is over from the start', async () => {
    const lock = busyFor(1);
    await expect(whenFree(lock.work, { isBusy, isOver: () => true, random })).rejects.toBe(busy);
    expect(lock.tries).toBe(1);
    expect(await whenFree(lock.work, { isBusy, isOver: () => true, random })).toBe('done');
  });

  it('throws any other error at once', async () => {
    const work = () => {
      throw new Error('broken');
    };
    await expect(whenFree(work, { isBusy, isOver: () => false, random })).rejects.toThrow('broken');
  });
});
