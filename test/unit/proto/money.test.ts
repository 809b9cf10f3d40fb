import { describe, expect, it } from '@jest/globals';
import {
  checkMoney,
  FieldChecks,
  fitsMoney,
  isSameMoney,
  moneyFromNanos,
  moneyText,
  moneyToNanos,
} from '@weft/proto';

const largest = { currencyCode: 'EUR', units: 2n ** 63n - 1n, nanos: 999_999_999 };

describe('money', () => {
  it.each([
    { currencyCode: 'EUR', units: 0n, nanos: 0 },
    { currencyCode: 'EUR', units: 0n, nanos: 1 },
    { currencyCode: 'JPY', units: 12n, nanos: 500_000_000 },
    largest,
  ])('is the same after nanos and back: $units, $nanos', (money) => {
    expect(moneyFromNanos(money.currencyCode, moneyToNanos(money))).toEqual(money);
  });

  it('adds up exactly what floats do not', () => {
    const tenth = moneyToNanos({ currencyCode: 'EUR', units: 0n, nanos: 100_000_000 });
    expect(moneyFromNanos('EUR', tenth + tenth + tenth).nanos).toBe(300_000_000);
  });

  it('knows its limits', () => {
    expect(fitsMoney(moneyToNanos(largest))).toBe(true);
    expect(fitsMoney(moneyToNanos(largest) + 1n)).toBe(false);
    expect(fitsMoney(-1n)).toBe(false);
    expect(() => moneyFromNanos('EUR', -1n)).toThrow(RangeError);
    expect(() => moneyFromNanos('EUR', moneyToNanos(largest) + 1n)).toThrow(RangeError);
  });

  it('is compared to the nano and by currency', () => {
    expect(isSameMoney(largest, { ...largest })).toBe(true);
    expect(isSameMoney(largest, { ...largest, nanos: 0 })).toBe(false);
    expect(isSameMoney(largest, { ...largest, currencyCode: 'USD' })).toBe(false);
  });

  it('reads well', () => {
    expect(moneyText({ currencyCode: 'EUR', units: 12n, nanos: 500_000_000 })).toBe('12.50 EUR');
    expect(moneyText({ currencyCode: 'EUR', units: 12n, nanos: 0 })).toBe('12.00 EUR');
    expect(moneyText({ currencyCode: 'EUR', units: 0n, nanos: 1 })).toBe('0.000000001 EUR');
  });

  it('is checked field by field', () => {
    const checks = new FieldChecks();
    expect(checkMoney(checks, largest, 'a')).toBe(true);
    expect(() => checks.throwIfAny()).not.toThrow();
    expect(checkMoney(checks, { currencyCode: 'eur', units: -1n, nanos: 1e9 }, 'b')).toBe(false);
    expect(checkMoney(checks, undefined, 'c')).toBe(false);
    expect(() => checks.throwIfAny()).toThrow(/b\.currency_code: .*b\.units: .*b\.nanos: .*c: is/);
  });
});
