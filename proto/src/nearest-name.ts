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

/** How many names a message lists. */
const MOST_LISTED = 10;

/**
 * The name that the user probably meant: at most a third of its letters differ, or it is the only one that
 * begins with what the user wrote.
 * @returns undefined if none comes near
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name === '' || name.length > 64) return undefined;
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
  if (nearest !== undefined) return nearest;
  const longer = names.filter((candidate) => plain(candidate).startsWith(plain(name)));
  return longer.length === 1 ? longer[0] : undefined;
}

/** `did you mean retry?`, or some of the names that exist if none comes near. */
export function nameHint(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  if (names.length === 0) return 'there is none';
  const listed = names.slice(0, MOST_LISTED).join(', ');
  const more = names.length - MOST_LISTED;
  return `there are ${listed}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `is no known field; did you mean retry?` */
export function unknownName(kind: string, name: string, names: readonly string[]): string {
  return `is no ${kind}; ${nameHint(name, names)}`;
}
