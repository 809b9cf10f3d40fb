import type { Money } from '../gen/weft/type/v1/money.ts';
import type { FieldChecks } from './errors.ts';

const NANOS_PER_UNIT = 1_000_000_000n;
/** Largest amount that `Money.units`, an int64, can hold, in nanos. */
const MAX_NANOS = 2n ** 63n * NANOS_PER_UNIT - 1n;

/** An amount as one exact number: billionths of a unit of its currency. */
export function moneyToNanos({ units, nanos }: Money): bigint {
  return units * NANOS_PER_UNIT + BigInt(nanos);
}

/**
 * The reverse of `moneyToNanos` for an amount that is not negative.
 * @throws RangeError when the amount is negative or its units do not fit an int64.
 */
export function moneyFromNanos(currencyCode: string, amount: bigint): Money {
  if (!fitsMoney(amount)) throw new RangeError(`${amount} nanos do not fit an amount of money`);
  return {
    currencyCode,
    units: amount / NANOS_PER_UNIT,
    nanos: Number(amount % NANOS_PER_UNIT),
  };
}

/** Whether an amount in nanos is not negative and its units fit an int64. */
export function fitsMoney(amount: bigint): boolean {
  return amount >= 0n && amount <= MAX_NANOS;
}

/** Whether two amounts are the same to the last nano, in the same currency. */
export function isSameMoney(a: Money, b: Money): boolean {
  return a.currencyCode === b.currencyCode && a.units === b.units && a.nanos === b.nanos;
}

/** An amount for people: `12.50 EUR`. */
export function moneyText({ currencyCode, units, nanos }: Money): string {
  const fraction = String(nanos).padStart(9, '0').replace(/0+$/, '').padEnd(2, '0');
  return `${units}.${fraction} ${currencyCode}`;
}

/**
 * Checks an amount of a request: there, in a currency, not negative, in range. Records each
 * violation in `checks` under the path of the field, and answers whether there was none.
 */
export function checkMoney(
  checks: FieldChecks,
  money: Money | undefined,
  field: string,
): money is Money {
  if (money === undefined) return checks.check(false, field, 'is required');
  const { currencyCode, units, nanos } = money;
  return [
    checks.check(
      /^[A-Z]{3}$/.test(currencyCode),
      `${field}.currency_code`,
      'must be an ISO 4217 code, three upper-case letters',
    ),
    checks.check(units >= 0n, `${field}.units`, 'must not be negative'),
    checks.check(nanos >= 0 && nanos <= 999_999_999, `${field}.nanos`, 'must be 0 to 999,999,999'),
  ].every(Boolean);
}
