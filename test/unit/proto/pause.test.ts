import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { pause } from '@weft/proto';

describe('pause', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('waits as long as it is told and leaves nothing behind', async () => {
    const { signal } = new AbortController();
    let isOver = false;
    void pause(1000, signal).then(() => {
      isOver = true;
    });
    await jest.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(isOver).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends when aborted, at once when that was before', async () => {
    const controller = new AbortController();
    const paused = pause(1000, controller.signal);
    controller.abort();
    await paused;
    await pause(1000, controller.signal);
    expect(jest.getTimerCount()).toBe(0);
  });
});
