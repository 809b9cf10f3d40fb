import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { guarded } from '../../../../client-sdk/src/balancer/guarded-strategy.ts';
import type { Strategy } from '../../../../client-sdk/src/balancer/strategy.ts';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import { sentAttempt } from '../fixtures.ts';
import { candidates } from './strategy-fixtures.ts';

const environment = { now: () => 0, random: () => 0 };
const idle = { add: () => {}, remove: () => {}, pick: () => undefined };

function guard(own: unknown): Strategy {
  return guarded('own', () => own as Strategy)(environment);
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a strategy that a program registered', () => {
  it('is asked, and its choice taken', () => {
    const [a, b] = candidates(2);
    const strategy = guard({ ...idle, isSticky: true, pick: () => b });
    for (const each of [a, b]) if (each) strategy.add(each);
    expect(strategy.isSticky).toBe(true);
    expect(strategy.pick(new CallRecord())).toBe(b);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['chooses none', () => undefined],
    ['chooses one it was never given', () => candidates(1)[0]],
  ])('that %s has any taken, in turn, and never one that is excluded', (_what, pick) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const given = candidates(2);
    const strategy = guard({ ...idle, pick });
    for (const each of given) strategy.add(each);
    expect(new Set([1, 2].map(() => strategy.pick(new CallRecord())))).toEqual(new Set(given));
    const call = new CallRecord();
    for (const each of given) sentAttempt(call, each);
    expect(strategy.pick(call)).toBeUndefined();
  });

  it('warns once of what it throws', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = () => {
      throw new Error('mine');
    };
    const strategy = guard({ add: fail, remove: fail, pick: fail, started: fail });
    const [a] = candidates(1);
    if (a === undefined) throw new Error('no candidate');
    strategy.add(a);
    strategy.started?.(a);
    strategy.remove(a);
    expect(warn.mock.calls).toEqual([['strategy own threw: Error: mine']]);
  });

  it.each([5, undefined, {}, { add: () => {} }])('must be one: %p', (made) => {
    expect(() => guard(made)).toThrow(ConfigError);
  });
});
