import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import {
  classify,
  type EndedBy,
  type Ending,
} from '../../../../client-sdk/src/breaker/classify.ts';

const codes = Object.values(status).filter((code): code is status => typeof code === 'number');

function ending(statusCode: status, endedBy: EndedBy, more: Partial<Ending> = {}): Ending {
  return { statusCode, endedBy, hasPushback: false, waitedMs: 1000, siblingsMs: [], ...more };
}

describe('a status that the server sent', () => {
  const { UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS } = status;
  const neutral = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED];

  it.each(codes)('is classified by its code: %i', (code) => {
    const expected = [UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS].includes(code)
      ? 'failure'
      : neutral.includes(code)
        ? 'neutral'
        : 'success';
    expect(classify(ending(code, 'server'))).toBe(expected);
  });

  it('is a failure with pushback if the code is RESOURCE_EXHAUSTED', () => {
    const shed = ending(status.RESOURCE_EXHAUSTED, 'server', { hasPushback: true });
    expect(classify(shed)).toBe('failure');
  });
});

describe('a broken connection or a reset stream', () => {
  it.each(codes)('is a failure, unless for too much metadata: %i', (code) => {
    if (code === status.DEADLINE_EXCEEDED) return;
    const expected = code === status.RESOURCE_EXHAUSTED ? 'neutral' : 'failure';
    expect(classify(ending(code, 'connection'))).toBe(expected);
  });
});

describe('an error of the client itself', () => {
  it.each(codes)('says nothing of the instance: %i', (code) => {
    expect(classify(ending(code, 'client'))).toBe('neutral');
  });
});

describe('a timeout', () => {
  const late = (waitedMs: number, ...siblingsMs: number[]) => [
    classify(ending(status.DEADLINE_EXCEEDED, 'timeout', { waitedMs, siblingsMs })),
    classify(ending(status.DEADLINE_EXCEEDED, 'server', { waitedMs, siblingsMs })),
    classify(ending(status.UNAVAILABLE, 'timeout', { waitedMs, siblingsMs })),
  ];
  const failure = ['failure', 'failure', 'failure'];
  const neutral = ['neutral', 'neutral', 'neutral'];

  it('is a failure if the wait was twice as long as siblings take', () => {
    expect(late(100, 50)).toEqual(failure);
    expect(late(100, 51)).toEqual(neutral);
  });

  it('says nothing while no sibling was measured', () => {
    expect(late(60_000)).toEqual(neutral);
  });

  it('says nothing after less than 50 ms, however fast siblings are', () => {
    expect(late(49, 0.1)).toEqual(neutral);
    expect(late(50, 0.1)).toEqual(failure);
  });

  it('says nothing of a method that is slow at most of the siblings', () => {
    expect(late(2000, 2000, 2000, 10)).toEqual(neutral);
  });

  it('is a failure though some of the siblings are as slow', () => {
    expect(late(2000, 2000, 10)).toEqual(failure);
    expect(late(2000, 2000, 10, 10)).toEqual(failure);
  });
});
