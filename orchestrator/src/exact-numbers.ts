import type { JsonValue } from './json.ts';

/**
 * Whether a JavaScript number lost digits of what was written: 9007199254740993 becomes ...992.
 * Rounded fractions are no loss: a double has them rounded too.
 *
 * @param source the number as it is written in JSON or YAML
 */
export function isInexact(value: number, source: string): boolean {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return false;
  const digits = source.replace(/\.0*$/, '');
  return /^[-+]?\d+$/.test(digits) && BigInt(digits) !== BigInt(value);
}

/** What to tell of such a number. */
export function inexactNumberText(source: string, value: number): string {
  return `the number ${source} would become ${BigInt(value)}; write it in quotes: "${source}"`;
}

/** `JSON.parse` hands a reviver the source of each number; the types do not know of that yet. */
type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => JsonValue;

function sourceOfInexact(value: unknown, source: string | undefined): string | undefined {
  const isLost = typeof value === 'number' && source !== undefined && isInexact(value, source);
  return isLost ? source : undefined;
}

/**
 * Parses JSON, and refuses a whole number that JavaScript cannot hold. In protobuf's JSON form such a
 * number may be written as a string.
 *
 * @throws Error for such a number, naming its key; SyntaxError if `text` is not JSON
 */
export function parseExactJson(text: string): JsonValue {
  return parse(text, (key, value, { source }) => {
    const digits = sourceOfInexact(value, source);
    if (digits === undefined) return value;
    throw new Error(`${key}: ${inexactNumberText(digits, value as number)}`);
  });
}

/** Parses JSON for people to read: a whole number that JavaScript cannot hold becomes its digits. */
export function parseShownJson(text: string): JsonValue {
  // Most texts have no such number, and a reviver takes several times as long.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return parse(text, (_, value, { source }) => sourceOfInexact(value, source) ?? value);
}
