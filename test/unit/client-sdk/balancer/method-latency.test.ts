import { describe, expect, it } from '@jest/globals';
import { MethodLatency } from '../../../../client-sdk/src/balancer/method-latency.ts';

const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id })) as [object, object, object];
const all = [a, b, c];

describe('what siblings of an endpoint take', () => {
  it('is the slowest answer of each of them, without its own', () => {
    const method = new MethodLatency();
    method.answered(0, 900, a);
    method.answered(0, 20, b);
    method.answered(0, 10, b);
    method.answered(0, 30, c);
    expect(method.siblingsAt(0, a, all)).toEqual([20, 30]);
    expect(method.siblingsAt(0, b, all)).toEqual([900, 30]);
  });

  it('is not known before an answer, and a minute after the last one', () => {
    const method = new MethodLatency();
    expect(method.siblingsAt(0, a, all)).toEqual([]);
    method.answered(0, 20, b);
    expect(method.siblingsAt(60_001, a, all)).toEqual([]);
  });

  it('counts a wait in vain, until the sibling answers again', () => {
    const method = new MethodLatency();
    method.answered(0, 20, b);
    method.timedOut(0, 2000, b);
    method.timedOut(0, 1000, c);
    expect(method.siblingsAt(0, a, all)).toEqual([2000, 1000]);
    method.answered(0, 30, b);
    expect(method.siblingsAt(0, a, all)).toEqual([30, 1000]);
  });

  it('is what the endpoint itself takes if no sibling is known', () => {
    const method = new MethodLatency();
    method.answered(0, 20, a);
    method.timedOut(0, 2000, a);
    expect(method.siblingsAt(0, a, all)).toEqual([20]);
    method.timedOut(0, 2000, b);
    expect(method.siblingsAt(0, b, [b])).toEqual([]);
  });

  it('leaves out an endpoint that is no longer listed', () => {
    const method = new MethodLatency();
    method.answered(0, 20, b);
    method.answered(0, 30, c);
    expect(method.siblingsAt(0, a, [a, b])).toEqual([20]);
  });
});
