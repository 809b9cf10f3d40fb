/**
 * Whether a text of a request can be kept: 1 to `maxLength` characters (code points), not only
 * white space, and no control characters, which no store, log or terminal should be handed.
 */
export function isText(value: string, maxLength: number): boolean {
  // A string has at most two UTF-16 units per character: a huge one is not walked through.
  if (value.length > 2 * maxLength || [...value].length > maxLength) return false;
  return value.trim() !== '' && !/\p{Cc}/u.test(value);
}
