import { isText, SERVICE_NAME, unknownName } from '@weft/proto';
import type { Faults, SettingPath } from './faults.ts';

/**
 * Reads one setting: answers it checked and copied, never the caller's own object. What is wrong goes
 * to `faults`; the answer then is of no use.
 */
export type Reader<T> = (value: unknown, path: SettingPath, faults: Faults) => T | undefined;

/** A reader for every field of `T`: one that is forgotten does not compile. */
export type FieldReaders<T> = {
  readonly [Field in keyof T]-?: Reader<Exclude<T[Field], undefined>>;
};

/** Longest time that may be set, a day: what is longer was given in another unit. */
export const LONGEST_MS = 86_400_000;

/** Longest delay that a timer can hold, in ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @param why told after the range: `gRPC's cap` */
export function numberIn(least: number, most: number, unit = '', why = ''): Reader<number> {
  const range = `a number${unit} from ${least} to ${most}${why && ` (${why})`}`;
  return (value, path, faults) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    faults.mustBe(path, range, value);
  };
}

/** @param why told after the range: `gRPC's cap` */
export function wholeNumberIn(least: number, most: number, why = ''): Reader<number> {
  const range = `a whole number from ${least} to ${most}${why && ` (${why})`}`;
  return (value, path, faults) => {
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
      return Number(value);
    }
    faults.mustBe(path, range, value);
  };
}

/** A time in ms, from `least` to a day. */
export const ms = (least = 1): Reader<number> => numberIn(least, LONGEST_MS, ' of ms');

/** A time in ms, from `least` to what a timer can hold. */
export const timerMs = (least = 1): Reader<number> => numberIn(least, LONGEST_TIMER_MS, ' of ms');

/** A time in ms from 1, or Infinity for never. */
export function msOrNever(most: number): Reader<number> {
  const finite = numberIn(1, most, ' of ms', 'or Infinity for never');
  return (value, path, faults) =>
    value === Number.POSITIVE_INFINITY ? value : finite(value, path, faults);
}

export const isTrue: Reader<boolean> = (value, path, faults) => {
  if (typeof value === 'boolean') return value;
  faults.mustBe(path, 'true or false', value);
};

/** @param what said of text that does not pass: `a lower-case header name` */
export function textOf(passes: (text: string) => boolean, what: string): Reader<string> {
  return (value, path, faults) => {
    if (typeof value === 'string' && passes(value)) return value;
    faults.mustBe(path, what, value);
  };
}

/** Text short enough to show, that does not break a line or a terminal; it may be empty. */
export function shortText(least: number, most: number): Reader<string> {
  return textOf(
    (text) => (text === '' ? least === 0 : isText(text, most)),
    `text of ${least} to ${most} characters without control characters`,
  );
}

/** The name of a service. */
export const serviceName = textOf((text) => SERVICE_NAME.pattern.test(text), SERVICE_NAME.mustBe);

/** A function, taken as it is. */
export const isFunction = <T>(value: unknown, path: SettingPath, faults: Faults): T | undefined => {
  if (typeof value === 'function') return value as T;
  faults.mustBe(path, 'a function', value);
};

/** @param what said of what is no list: `a list of names of services` */
export function listOf<T>(item: Reader<T>, what: string): Reader<readonly T[]> {
  return (value, path, faults) => {
    if (Array.isArray(value)) {
      return value.map((each, index) => item(each, [...path, String(index)], faults) as T);
    }
    faults.mustBe(path, what, value);
  };
}

/** Objects as literals and JSON make them; of others fields would be overlooked in silence. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * An object with known fields; those that are undefined count as not given.
 * @param rule checks the fields against each other, once each of them is as it must be
 * @param elsewhere what to say of fields that one could expect here, by name
 */
export function fieldsOf<T extends object>(
  readers: FieldReaders<T>,
  rule?: (fields: T, path: SettingPath, faults: Faults) => void,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): Reader<T> {
  const known = new Map<string, Reader<unknown>>(Object.entries(readers));
  const names = [...known.keys()];
  return (value, path, faults) => {
    if (!isPlain(value)) {
      faults.mustBe(path, 'an object', value);
      return;
    }
    const before = faults.all.length;
    const read: [string, unknown][] = [];
    for (const [name, field] of Object.entries(value)) {
      const reader = known.get(name);
      const at = [...path, name];
      if (reader !== undefined) {
        if (field !== undefined) read.push([name, reader(field, at, faults)]);
      } else {
        faults.add(at, elsewhere.get(name) ?? unknownName('known field', name, names));
      }
    }
    const fields = Object.freeze(Object.fromEntries(read)) as T;
    if (faults.all.length === before) rule?.(fields, path, faults);
    return fields;
  };
}

/** What `reader` reads, or false for none. */
export function orFalse<T>(reader: Reader<T>): Reader<T | false> {
  return (value, path, faults) => {
    if (value === false || isPlain(value))
      return value === false ? value : reader(value, path, faults);
    faults.mustBe(path, 'false or an object', value);
  };
}

/** An object whose keys are names; `__proto__` and the like are names as any other. */
export function recordOf<T>(
  checkName: (name: string, path: SettingPath, faults: Faults) => void,
  reader: Reader<T>,
): Reader<Readonly<Record<string, T>>> {
  return (value, path, faults) => {
    if (!isPlain(value)) {
      faults.mustBe(path, 'an object', value);
      return;
    }
    const read: [string, T][] = [];
    for (const [name, item] of Object.entries(value)) {
      const at = [...path, name];
      checkName(name, at, faults);
      if (item === undefined) continue;
      const result = reader(item, at, faults);
      if (result !== undefined) read.push([name, result]);
    }
    return Object.freeze(Object.fromEntries(read));
  };
}
