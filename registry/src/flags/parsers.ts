import { HOST_NAME, hostProblem, KEY_PREFIX } from '@weft/proto';
import { InvalidArgumentError } from 'commander';
import { isAddress } from '../address-rules.ts';

/** Reads a whole number of a command line within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be ${min} to ${max}.`);
  };
}

export const parsePort = wholeNumber(0, 65_535);

/** Reads `host:port`. */
export function parseAddress(text: string): string {
  if (isAddress(text)) return text;
  throw new InvalidArgumentError(`'${text}' is not host:port.`);
}

/** Reads `host:port` at which other machines reach this one. */
export function parseReachable(text: string): string {
  const address = parseAddress(text);
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  const problem = hostProblem(host);
  if (problem === undefined) return address;
  throw new InvalidArgumentError(`Its host ${problem}.`);
}

/** Reads the prefix of the keys in etcd. */
export function parseKeyPrefix(text: string): string {
  if (KEY_PREFIX.pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be ${KEY_PREFIX.mustBe}.`);
}

/** Reads host names with commas between; `before` are those of earlier flags of the same name. */
export function parseHostNames(text: string, before: readonly string[]): string[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (HOST_NAME.pattern.test(name)) continue;
    throw new InvalidArgumentError(`'${name}' must be ${HOST_NAME.mustBe}.`);
  }
  return [...before, ...names];
}
