/** Levenshtein distance, a letter at a time; the names compared are short. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The one of `names` that `name` was probably meant to be: a third of its letters wrong at most. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '');
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const apart = distance(plain(name), plain(candidate));
    if (apart <= Math.floor(candidate.length / 3) && apart < least) {
      nearest = candidate;
      least = apart;
    }
  }
  return nearest;
}

/** `is no known field; did you mean retry?`, or what there is when nothing comes near. */
export function unknownName(kind: string, name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  return nearest === undefined
    ? `is no ${kind}; there are ${names.join(', ')}`
    : `is no ${kind}; did you mean ${nearest}?`;
}
