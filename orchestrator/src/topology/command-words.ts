/** What a backslash makes literal within double quotes (POSIX, Shell Command Language, 2.2.3). */
const ESCAPED_IN_QUOTES = /["\\$`\n]/;

/**
 * Splits a command line into words as a shell would, without one: blanks separate, single and double quotes
 * group, a backslash keeps the next character as it is. Within double quotes, a backslash stays unless a `"`,
 * `\`, `$` or backtick follows. A backslash before the end of a line joins two lines. Nothing is expanded.
 * @returns undefined if a quote is not closed
 */
export function commandWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    const next = line.charAt(index + 1);
    const isEscape = quote === undefined ? next !== '' : ESCAPED_IN_QUOTES.test(next);
    if (character === '\\' && quote !== "'" && isEscape) {
      index += 1;
      if (next !== '\n') word = (word ?? '') + next;
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? '') + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
