import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Status } from 'nice-grpc';
import { readable } from '../../../registry/src/catch-up.ts';
import { StoreError } from '../../../registry/src/errors.ts';
import { Catalog } from '../../../registry/src/store/catalog.ts';
import { MemoryStore } from '../../../registry/src/store/memory-store.ts';

/** A store that others write to as well. */
class SharedStore extends MemoryStore {
  override catalog = new Catalog();
  asked = 0;

  override async latestRevision(): Promise<bigint> {
    this.asked += 1;
    return 10n;
  }
}

describe('catching up', () => {
  let store: SharedStore;

  beforeEach(() => {
    jest.useFakeTimers();
    store = new SharedStore();
    store.catalog.replace([], 5n);
  });
  afterEach(async () => {
    await store.close();
    jest.useRealTimers();
  });

  it('has nothing to wait for at a revision that was reached, or without one', async () => {
    await readable(store, 5n);
    await readable(store, undefined);
    expect(store.asked).toBe(0);
  });

  it('waits for a revision that is on its way, and does not ask the store for it', async () => {
    const caught = readable(store, 7n);
    store.catalog.advance(6n);
    store.catalog.advance(7n);
    await caught;
    expect(store.asked).toBe(0);
  });

  /** How it fails once so much time has passed. */
  async function failing(revision: bigint | undefined, afterMs: number): Promise<unknown> {
    const failure = readable(store, revision).then(
      () => undefined,
      (error: unknown) => error,
    );
    await jest.advanceTimersByTimeAsync(afterMs);
    return failure;
  }
  const extra = (reason: string) => expect.arrayContaining([expect.objectContaining({ reason })]);

  it('is BEHIND when the change does not come in time', async () => {
    expect(await failing(10n, 2200)).toMatchObject({
      code: Status.UNAVAILABLE,
      extra: extra('BEHIND'),
    });
    expect(store.asked).toBe(1);
  });

  it('refuses a revision that nobody has come to', async () => {
    expect(await failing(11n, 200)).toMatchObject({
      code: Status.OUT_OF_RANGE,
      extra: extra('FUTURE_REVISION'),
    });
  });

  it('is NOT_READY before anything was read: at once, but to who has been somewhere', async () => {
    store.catalog = new Catalog();
    const notReady = { code: Status.UNAVAILABLE, extra: extra('NOT_READY') };
    expect(await failing(undefined, 0)).toMatchObject(notReady);
    expect(await failing(5n, 2000)).toMatchObject(notReady);
    const waiting = readable(store, 5n);
    store.catalog.replace([], 6n);
    await waiting;
    expect(store.asked).toBe(0);
  });

  it('says when the store cannot be asked', async () => {
    store.latestRevision = () => Promise.reject(new StoreError('unavailable', 'etcd is away'));
    expect(await failing(10n, 200)).toMatchObject({
      code: Status.UNAVAILABLE,
      extra: extra('STORE_UNAVAILABLE'),
    });
  });
});
