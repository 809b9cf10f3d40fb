import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { LeaseDisposal } from '../../../registry/src/store/lease-disposal.ts';

describe('LeaseDisposal', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Fails so many times before it revokes. */
  function disposalAfter(failures: number) {
    let left = failures;
    const revoke = jest.fn(async (_: bigint) => {
      left -= 1;
      if (left >= 0) throw new Error('etcd is away');
      return undefined;
    });
    return { revoke, disposal: new LeaseDisposal({ revoke }, silentLog) };
  }

  it('revokes at once, and tries again until it is done', async () => {
    const { revoke, disposal } = disposalAfter(3);
    disposal.giveUp(5n, 60);
    expect(revoke.mock.calls).toEqual([[5n]]);
    await jest.advanceTimersByTimeAsync(30_000);
    expect(revoke).toHaveBeenCalledTimes(4);
    await disposal.close();
  });

  it('stops when the lease has ended by itself', async () => {
    const { revoke, disposal } = disposalAfter(1000);
    disposal.giveUp(5n, 10);
    await jest.advanceTimersByTimeAsync(10_000);
    const calls = revoke.mock.calls.length;
    expect(calls).toBeGreaterThan(3);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(revoke).toHaveBeenCalledTimes(calls);
    await disposal.close();
  });

  it('looks for one that may be granted yet, found before or not, until etcd has given up', async () => {
    const found: boolean[] = [true, false, false, true];
    const revoke = jest.fn(async (_: bigint) => (found.shift() ? { revision: 1n } : undefined));
    const disposal = new LeaseDisposal({ revoke }, silentLog);
    const granted = Promise.withResolvers<number>();
    disposal.giveUp(5n, 3600, granted.promise);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(found).toEqual([]);
    const calls = revoke.mock.calls.length;
    granted.reject(new Error('etcd does not answer'));
    await jest.advanceTimersByTimeAsync(9000);
    expect(disposal.has(5n)).toBe(true);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(disposal.has(5n)).toBe(false);
    expect(revoke.mock.calls.length).toBeGreaterThan(calls);
    const all = revoke.mock.calls.length;
    disposal.giveUp(7n, 3600);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(revoke).toHaveBeenCalledTimes(all + 1);
    await disposal.close();
  });

  it('gives up one that is granted late for its whole time, should etcd be away', async () => {
    const { revoke, disposal } = disposalAfter(1000);
    const granted = Promise.withResolvers<number>();
    disposal.giveUp(5n, 10, granted.promise);
    await jest.advanceTimersByTimeAsync(30_000);
    granted.resolve(10);
    await jest.advanceTimersByTimeAsync(9000);
    expect(disposal.has(5n)).toBe(true);
    await jest.advanceTimersByTimeAsync(30_000);
    expect(disposal.has(5n)).toBe(false);
    expect(revoke.mock.calls.length).toBeGreaterThan(3);
    await disposal.close();
  });

  it('makes no attempts more once closed', async () => {
    const { revoke, disposal } = disposalAfter(1000);
    disposal.giveUp(5n, 60);
    await jest.advanceTimersByTimeAsync(100);
    const closed = disposal.close();
    await jest.advanceTimersByTimeAsync(0);
    await closed;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(revoke.mock.calls.length).toBeLessThanOrEqual(2);
  });
});
