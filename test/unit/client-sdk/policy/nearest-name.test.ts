import { describe, expect, it } from '@jest/globals';
import { nearestName, unknownName } from '../../../../client-sdk/src/policy/nearest-name.ts';

const names = ['retry', 'retryBudget', 'maxInFlight', 'maxInFlightPerInstance'];

describe('nearestName', () => {
  it.each([
    ['retri', 'retry'],
    ['Retry', 'retry'],
    ['retry_budget', 'retryBudget'],
    ['maxInflight', 'maxInFlight'],
    ['maxInFlightPerInstnace', 'maxInFlightPerInstance'],
    ['colour', undefined],
    ['', undefined],
    ['retry'.repeat(100_000), undefined],
  ])('takes %.20s for %s', (name, nearest) => {
    expect(nearestName(name, names)).toBe(nearest);
  });

  it('lists what there is when nothing comes near', () => {
    expect(unknownName('known field', 'x', ['a', 'b'])).toBe('is no known field; there are a, b');
  });
});
