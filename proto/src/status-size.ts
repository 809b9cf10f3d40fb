import type { FieldViolation } from './errors.ts';

/**
 * A status travels in the trailers of its call, and trailers past a limit cost more than the call:
 * Node's client ends the whole connection at 64 KB, other peers refuse past 8 KB. What these
 * functions let through stays under 8 KB in all, as encoded.
 */
const MAX_MESSAGE_BYTES = 2048;
const MAX_TEXT_BYTES = 160;
const MAX_VIOLATIONS = 10;
const MAX_FACTS = 8;

/** The start of a text, at most `maxBytes` long as `bytesOf` counts a character; marked where cut. */
function cut(text: string, maxBytes: number, bytesOf: (character: string) => number): string {
  const whole = text.toWellFormed();
  const mark = '...';
  let bytes = 0;
  let fitting = 0;
  for (const character of whole) {
    bytes += bytesOf(character);
    if (bytes > maxBytes) return whole.slice(0, fitting) + mark;
    if (bytes <= maxBytes - mark.length) fitting += character.length;
  }
  return whole;
}

/** A message, sent percent-encoded; `tail` (short, ASCII) ends it however much of it is cut. */
export function boundedMessage(message: string, tail = ''): string {
  const bytesOf = (character: string) => encodeURI(character).length;
  const tailBytes = encodeURI(tail).length;
  return cut(message, MAX_MESSAGE_BYTES - tailBytes, bytesOf) + tail;
}

/** A text inside the details: a name, a description. */
export function boundedText(text: string): string {
  return cut(text, MAX_TEXT_BYTES, (character) => Buffer.byteLength(character));
}

export function boundedFacts(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const facts = Object.entries(metadata).slice(0, MAX_FACTS);
  return Object.fromEntries(facts.map(([key, value]) => [boundedText(key), boundedText(value)]));
}

/** The first violations, and how many more there are. */
export function boundedViolations(violations: readonly FieldViolation[]): {
  first: FieldViolation[];
  omitted: number;
} {
  const first = violations.slice(0, MAX_VIOLATIONS).map(({ field, description }) => ({
    field: boundedText(field),
    description: boundedText(description),
  }));
  return { first, omitted: violations.length - first.length };
}
