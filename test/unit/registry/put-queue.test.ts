import { describe, expect, it } from '@jest/globals';
import type { ConditionalPut, PutOutcome } from '../../../registry/src/store/etcd-put.ts';
import { PutQueue } from '../../../registry/src/store/put-queue.ts';

const put = (key: string, value = 'v'): ConditionalPut => ({
  key,
  value,
  leaseId: 1n,
  modRevision: 0n,
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A queue, and the transactions it has begun; each ends when the test says so. */
function queueOf() {
  const begun: { keys: string[]; end: (error?: Error) => void }[] = [];
  const queue = new PutQueue(async (puts) => {
    const { promise, resolve, reject } = Promise.withResolvers<PutOutcome[]>();
    const keys = puts.map(({ key }) => key);
    const outcomes = keys.map((key): PutOutcome => ({ kind: 'written', revision: BigInt(key) }));
    begun.push({ keys, end: (error) => (error ? reject(error) : resolve(outcomes)) });
    return promise;
  });
  return { queue, begun, sizes: () => begun.map(({ keys }) => keys.length) };
}

const keys = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${from + index}`);

describe('PutQueue', () => {
  it('sends one at once, and those that come meanwhile together', async () => {
    const { queue, begun } = queueOf();
    const all = keys(4).map((key) => queue.put(put(key)));
    expect(begun.map((each) => each.keys)).toEqual([['0']]);
    begun[0]?.end();
    await turn();
    expect(begun.map((each) => each.keys)).toEqual([['0'], ['1', '2', '3']]);
    begun[1]?.end();
    const outcomes = await Promise.all(all);
    expect(outcomes).toEqual(keys(4).map((key) => ({ kind: 'written', revision: BigInt(key) })));
  });

  it('takes no more puts, and no more bytes, than etcd does', async () => {
    const { queue, begun, sizes } = queueOf();
    const small = keys(149).map((key) => queue.put(put(key)));
    for (let index = 0; index < 4; index += 1) {
      begun[index]?.end();
      await turn();
    }
    expect(sizes()).toEqual([1, 64, 64, 20]);
    await Promise.all(small);
    const large = keys(5).map((key) => queue.put(put(key, 'x'.repeat(120 * 1024))));
    for (let index = 4; index < 7; index += 1) {
      begun[index]?.end();
      await turn();
    }
    expect(sizes().slice(4)).toEqual([1, 2, 2]);
    await Promise.all(large);
  });

  it('puts a key once into a transaction', async () => {
    const { queue, begun } = queueOf();
    const same = ['1', '2', '2', '3'].map((key) => queue.put(put(key)));
    for (let index = 0; index < 3; index += 1) {
      begun[index]?.end();
      await turn();
    }
    expect(begun.map((each) => each.keys)).toEqual([['1'], ['2', '3'], ['2']]);
    await Promise.all(same);
  });

  it('fails what was in a transaction that fails, and goes on', async () => {
    const { queue, begun } = queueOf();
    const all = Promise.allSettled(['1', '2', '2'].map((key) => queue.put(put(key))));
    begun[0]?.end();
    await turn();
    begun[1]?.end(new Error('etcd is away'));
    await turn();
    begun[2]?.end();
    expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const next = queue.put(put('5'));
    begun[3]?.end();
    expect(await next).toEqual({ kind: 'written', revision: 5n });
  });
});
