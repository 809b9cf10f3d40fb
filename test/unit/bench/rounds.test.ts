import { describe, expect, it } from '@jest/globals';
import { alternate } from '../../bench/harness/rounds.ts';

const reporter = { progress: () => {}, note: () => {}, fail: () => {} };

describe('alternate', () => {
  it('runs every arm in every round, the other way round each time', async () => {
    const order: string[] = [];
    const arm = (name: string, figure: number) => ({
      name,
      measure: async (round: number) => {
        order.push(`${name}${round}`);
        return { us: figure * (round + 1) };
      },
    });
    const table = await alternate('x', [arm('a', 2), arm('b', 1)], { rounds: 3 }, reporter);
    expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
    expect(table.rows('x', 'a vs b', 'a', 'b')).toEqual([
      {
        bench: 'x',
        case: 'a vs b',
        metric: 'us',
        value: 4,
        baseline: 2,
        ratio: 2,
        min: 2,
        max: 2,
        rounds: 3,
      },
    ]);
  });

  it('can run some at once', async () => {
    let running = 0;
    let most = 0;
    const arm = (name: string) => ({
      name,
      measure: async () => {
        running += 1;
        most = Math.max(most, running);
        await undefined;
        running -= 1;
        return { us: 1 };
      },
    });
    const table = await alternate('x', ['a', 'b', 'c'].map(arm), { rounds: 1 }, reporter, 2);
    expect(most).toBe(2);
    for (const name of ['a', 'b', 'c']) expect(table.of(name).get('us')).toEqual([1]);
  });

  it('hides no arm that failed', async () => {
    const broken = { name: 'a', measure: () => Promise.reject(new Error('no server')) };
    await expect(alternate('x', [broken], { rounds: 2 }, reporter)).rejects.toThrow('no server');
  });
});
