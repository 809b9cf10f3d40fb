import type { DocumentPath } from './yaml-values.ts';

/**
 * Maps as objects, in which no key is special either: each, `__proto__` too, becomes a field of its own. Whole
 * numbers over 2^53 become text, as protobuf's JSON form has them.
 * @param path of the value in its document
 * @param scalar what a scalar at a path stands for. Default: itself
 */
export function plainValue(
  value: unknown,
  path: DocumentPath,
  scalar: (value: unknown, path: DocumentPath) => unknown = (itself) => itself,
): unknown {
  const child = (item: unknown, key: string | number) => plainValue(item, [...path, key], scalar);
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(child);
  if (!(value instanceof Map)) return scalar(value, path);
  return Object.fromEntries([...value].map(([key, item]) => [key, child(item, key)]));
}
