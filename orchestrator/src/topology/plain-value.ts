/** Deeper than any setting stands; a document can hold itself, by an alias. */
const MAX_DEPTH = 8;

/** Maps as objects, in which no key is special either: each becomes a field of its own. */
export function plainValue(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return 'nested too deep';
  if (Array.isArray(value)) return value.map((item) => plainValue(item, depth + 1));
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(
    ([key, item]) => [String(key), plainValue(item, depth + 1)] as const,
  );
  return Object.fromEntries(entries);
}
