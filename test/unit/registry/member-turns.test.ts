import { beforeEach, describe, expect, it } from '@jest/globals';
import { MemberTurns } from '../../../registry/src/store/member-turns.ts';

describe('MemberTurns', () => {
  let nowMs: number;
  let turns: MemberTurns;

  beforeEach(() => {
    nowMs = 1000;
    turns = new MemberTurns(3, () => nowMs);
  });

  const next = (...tried: number[]) => turns.next(new Set(tried));
  const many = (count: number) => Array.from({ length: count }, () => next());

  it('come round while all answer', () => {
    expect(many(6)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('pass by one that failed, which is tried once now and then until it answers', () => {
    turns.failed(1);
    expect(new Set(many(20))).toEqual(new Set([0, 2]));
    nowMs += 10_000;
    expect(many(20).filter((member) => member === 1)).toHaveLength(1);
    nowMs += 10_000;
    expect(many(20).filter((member) => member === 1)).toHaveLength(1);
    turns.answered(1);
    expect(many(30).filter((member) => member === 1)).toHaveLength(10);
  });

  it('go on to one that was not tried yet, out or not', () => {
    turns.failed(0);
    turns.failed(1);
    expect(next(2)).not.toBe(2);
    expect(next(2, 0)).toBe(1);
    expect(next(2, 1)).toBe(0);
    expect([0, 1, 2]).toContain(next(0, 1, 2));
  });

  it('stay with the only member there is', () => {
    turns = new MemberTurns(1, () => nowMs);
    turns.failed(0);
    expect(many(3)).toEqual([0, 0, 0]);
  });

  it('come to all of them when all failed', () => {
    for (const member of [0, 1, 2]) turns.failed(member);
    expect(new Set(many(6))).toEqual(new Set([0, 1, 2]));
  });

  it('opens streams at one after the other, and at those that failed only when all have', () => {
    const streams = () => [0, 1, 2, 3].map((number) => turns.ofStream(number));
    expect(streams()).toEqual([0, 1, 2, 0]);
    turns.failed(1);
    expect(streams()).toEqual([0, 2, 2, 0]);
    turns.failed(0);
    turns.failed(2);
    expect(streams()).toEqual([0, 1, 2, 0]);
    turns.answered(2);
    expect(streams()).toEqual([2, 2, 2, 2]);
  });
});
