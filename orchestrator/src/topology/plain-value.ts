/**
 * Maps as objects, in which no key is special either: each, `__proto__` too, becomes a field of its own. Whole
 * numbers over 2^53 become text, as protobuf's JSON form has them.
 */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((item) => plainValue(item));
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, item]) => [key, plainValue(item)]));
}
