import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { classify } from '../../../../client-sdk/src/breaker/classify.ts';

describe('classify', () => {
  const { OK, CANCELLED, ...rest } = status;
  const failures = [
    'UNKNOWN',
    'DEADLINE_EXCEEDED',
    'RESOURCE_EXHAUSTED',
    'INTERNAL',
    'UNAVAILABLE',
    'DATA_LOSS',
  ];
  const codes = Object.entries(rest).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );

  it('says nothing about an instance whose caller went away', () => {
    expect(classify(CANCELLED)).toBe('neutral');
    expect(classify(OK)).toBe('success');
  });

  it.each(codes)('%s', (name, code) => {
    expect(classify(code)).toBe(failures.includes(name) ? 'failure' : 'success');
  });
});
