import type { JsonValue } from './json.ts';

/** `JSON.parse` hands a reviver the source of each number; the types do not know of that yet. */
type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => JsonValue;

/**
 * The digits of a whole number beyond 2^53: JavaScript would read 9007199254740993 as ...992.
 * @returns undefined for any other number
 */
function largeDigits(value: unknown, source: string): string | undefined {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return undefined;
  const digits = source.replace(/\.0*$/, '');
  return /^-?\d+$/.test(digits) ? digits : undefined;
}

/**
 * Parses JSON and keeps every digit: a whole number beyond 2^53 becomes a string. In protobuf's JSON
 * form, a 64-bit integer may be either.
 * @throws SyntaxError if `text` is not JSON
 */
export function parseExactJson(text: string): JsonValue {
  // Most texts have no such number, and a reviver takes several times as long.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return parse(text, (_, value, { source }) =>
    source === undefined ? value : (largeDigits(value, source) ?? value),
  );
}
