import { describe, expect, it } from '@jest/globals';
import { nameHint, nearestName, unknownName } from '../../../proto/src/nearest-name.ts';

const names = ['retry', 'retryBudget', 'maxInFlight', 'maxInFlightPerInstance'];

describe('nearestName', () => {
  it.each([
    ['retri', 'retry'],
    ['Retry', 'retry'],
    ['retry_budget', 'retryBudget'],
    ['maxInflight', 'maxInFlight'],
    ['maxInFlightPerInstnace', 'maxInFlightPerInstance'],
    ['max', undefined],
    ['colour', undefined],
    ['', undefined],
    ['retry'.repeat(100_000), undefined],
  ])('takes %.20s for %s', (name, nearest) => {
    expect(nearestName(name, names)).toBe(nearest);
  });

  it('takes the only name that begins with it', () => {
    expect(nearestName('user', ['user-service', 'order-service'])).toBe('user-service');
    expect(nearestName('u', ['user-service', 'usage-service'])).toBeUndefined();
  });

  it('lists what there is when nothing comes near', () => {
    expect(unknownName('known field', 'x', ['a', 'b'])).toBe('is no known field; there are a, b');
    expect(nameHint('x', [])).toBe('there is none');
    const many = Array.from({ length: 12 }, (_, index) => `name-${index}`);
    expect(nameHint('x', many)).toMatch(/name-9 and 2 more$/);
  });
});
