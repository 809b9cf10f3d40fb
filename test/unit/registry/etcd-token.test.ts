import { describe, expect, it } from '@jest/globals';
import { EtcdToken } from '../../../registry/src/store/etcd-token.ts';

describe('the token of a user of etcd', () => {
  /** Hands out t1, t2, ... */
  function createToken() {
    const asked = { count: 0 };
    const token = new EtcdToken(async () => {
      asked.count += 1;
      return `t${asked.count}`;
    });
    return { token, asked };
  }

  it('is asked for once for all who wait, and then kept', async () => {
    const { token, asked } = createToken();
    expect(await Promise.all([token.get(), token.get()])).toEqual(['t1', 't1']);
    expect(await token.get()).toBe('t1');
    expect(asked.count).toBe(1);
  });

  it('is asked for again once it is refused, by as many as used it', async () => {
    const { token, asked } = createToken();
    const first = await token.get();
    token.proven(first);
    expect(token.refused(first)).toBe(true);
    expect(await token.get()).toBe('t2');
    // A call that was under way with the old one says nothing of the new one.
    expect(token.refused(first)).toBe(true);
    expect(token.value).toBe('t2');
    expect(asked.count).toBe(2);
  });

  it('is not asked for without end when etcd takes none', async () => {
    const { token } = createToken();
    expect(token.refused(await token.get())).toBe(false);
    expect(token.value).toBeUndefined();
  });

  it('is asked for again after a failure', async () => {
    let isAway = true;
    const token = new EtcdToken(async () => {
      if (isAway) throw new Error('away');
      return 't';
    });
    await expect(token.get()).rejects.toThrow('away');
    isAway = false;
    expect(await token.get()).toBe('t');
  });
});
