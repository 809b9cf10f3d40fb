import { describe, expect, it } from '@jest/globals';
import type { ConditionalPut, PutOutcome } from '../../../registry/src/store/etcd-client.ts';
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
  it('sends two at once, and those that come meanwhile together', async () => {
    const { queue, begun } = queueOf();
    const all = keys(5).map((key) => queue.put(put(key)));
    expect(begun.map((each) => each.keys)).toEqual([['0'], ['1']]);
    begun[1]?.end();
    await turn();
    expect(begun.map((each) => each.keys)).toEqual([['0'], ['1'], ['2', '3', '4']]);
    begun[0]?.end();
    begun[2]?.end();
    const outcomes = await Promise.all(all);
    expect(outcomes).toEqual(keys(5).map((key) => ({ kind: 'written', revision: BigInt(key) })));
  });

  it('takes no more puts, and no more bytes, than etcd does', async () => {
    const { queue, begun, sizes } = queueOf();
    const small = keys(122).map((key) => queue.put(put(key)));
    for (let index = 0; index < 5; index += 1) {
      begun[index]?.end();
      await turn();
    }
    expect(sizes()).toEqual([1, 1, 50, 50, 20]);
    await Promise.all(small);
    const large = keys(6).map((key) => queue.put(put(key, 'x'.repeat(120 * 1024))));
    for (let index = 5; index < 9; index += 1) {
      begun[index]?.end();
      await turn();
    }
    expect(sizes().slice(5)).toEqual([1, 1, 2, 2]);
    await Promise.all(large);
  });

  it('puts a key once into a transaction', async () => {
    const { queue, begun } = queueOf();
    const same = ['1', '2', '3', '3', '4'].map((key) => queue.put(put(key)));
    begun[0]?.end();
    await turn();
    begun[1]?.end();
    await turn();
    expect(begun.map((each) => each.keys)).toEqual([['1'], ['2'], ['3', '4'], ['3']]);
    for (const each of begun) each.end();
    await Promise.all(same);
  });

  it('fails what was in a transaction that fails, and goes on', async () => {
    const { queue, begun } = queueOf();
    const failing = Promise.allSettled(keys(4).map((key) => queue.put(put(key))));
    begun[0]?.end();
    await turn();
    begun[2]?.end(new Error('etcd is away'));
    begun[1]?.end();
    expect((await failing).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    const next = queue.put(put('5'));
    begun[3]?.end();
    expect(await next).toEqual({ kind: 'written', revision: 5n });
  });
});
