import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { processingMs } from '../../../../services/payment/src/config.ts';

const before = process.env.PAYMENT_PROCESSING_MS;

beforeEach(() => {
  delete process.env.PAYMENT_PROCESSING_MS;
});
afterEach(() => {
  if (before === undefined) delete process.env.PAYMENT_PROCESSING_MS;
  else process.env.PAYMENT_PROCESSING_MS = before;
});

it.each([
  [undefined, 1000],
  ['', 1000],
  ['0', 0],
  ['250', 250],
  ['600000', 600_000],
])('a charge takes as long as $PAYMENT_PROCESSING_MS says: %j', (text, ms) => {
  if (text !== undefined) process.env.PAYMENT_PROCESSING_MS = text;
  expect(processingMs()).toBe(ms);
});

it.each(['-1', '600001', '1.5', 'soon', 'NaN'])('%j is refused by name', (text) => {
  process.env.PAYMENT_PROCESSING_MS = text;
  expect(processingMs).toThrow(
    `PAYMENT_PROCESSING_MS must be a whole number of milliseconds, 0 to 600000, not '${text}'`,
  );
});
