import { ConfigError } from '../errors.ts';

/** Longest delay that a timer can hold, in ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws ConfigError unless `value` is a number from `least` to `most` */
export function checkRange(setting: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new ConfigError(setting, `a number from ${least} to ${most}`, value);
}

/** @throws ConfigError unless `value` is a number from `least` to `most`, or Infinity for never */
export function checkRangeOrNever(
  setting: string,
  value: number,
  least: number,
  most: number,
): void {
  if (value === Number.POSITIVE_INFINITY || (value >= least && value <= most)) return;
  throw new ConfigError(setting, `a number from ${least} to ${most}, or Infinity`, value);
}

/** @throws ConfigError unless `value` is a whole number from `least` to `most` */
export function checkWhole(setting: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ConfigError(setting, `a whole number from ${least} to ${most}`, value);
}
