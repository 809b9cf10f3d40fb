import { ConfigError } from '../errors.ts';
import { Faults } from './faults.ts';
import type { Reader } from './readers.ts';

/**
 * Reads a variable of the environment; empty counts as not set.
 * @throws ConfigError naming the variable
 */
export function fromEnvironment<T>(name: string, reader: Reader<T>): T | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const faults = new Faults();
  const value = reader(text, [`$${name}`], faults);
  const [fault] = faults.all;
  if (fault !== undefined) throw new ConfigError(`$${name}`, fault.complaint);
  return value;
}

/** What `reader` makes of a number that is written in digits. */
export function inDigits<T>(reader: Reader<T>): Reader<T> {
  return (value, path, faults) =>
    reader(/^\d+$/.test(String(value)) ? Number(value) : value, path, faults);
}
