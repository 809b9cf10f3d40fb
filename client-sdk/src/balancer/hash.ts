/**
 * Hashes that are the same in every process and on every machine. Not for secrets: whoever chooses
 * the text can choose its hash.
 */

/** Spreads the bits of a 32-bit number: the finaliser of MurmurHash3 (Appleby, public domain). */
export function mix32(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * 32 bits of the first `length` characters: FNV-1a over UTF-16 code units, then mixed.
 * @param seed texts hash apart under different ones
 */
export function hash32(text: string, seed = 0, length = text.length): number {
  const end = Math.min(text.length, length);
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < end; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash ^ end);
}

/** As many bits as a number holds exactly. */
export function hash53(text: string, seed = 0): number {
  return hash32(text, seed) * 2 ** 21 + (hash32(text, ~seed ^ 0x5bd1e995) >>> 11);
}
