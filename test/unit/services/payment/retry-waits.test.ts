import { expect, it } from '@jest/globals';
import { retryWaits } from '../../../../services/payment/src/retry-waits.ts';

function firstWaits(random: () => number): number[] {
  const waits = retryWaits(random);
  return Array.from({ length: 8 }, () => waits.next().value);
}

it('waits twice as long before each attempt, up to 5 s', () => {
  expect(firstWaits(() => 1)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

it('waits between half of that and all of it', () => {
  expect(firstWaits(() => 0)).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500]);
});
