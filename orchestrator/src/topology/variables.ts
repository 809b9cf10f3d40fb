/** The variables that `${NAME}` in weft.yaml and in `.env` refers to. */
export interface Variables {
  /** @returns undefined if the variable is not set */
  get(name: string): string | undefined;
}

/** No variable is set. */
export const noVariables: Variables = { get: () => undefined };

/** A text in which a `$` does not form a reference, or whose reference demands a variable. */
export class InterpolationError extends Error {
  override readonly name = 'InterpolationError';
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
/** What may stand behind the name in `${NAME...}`. */
const OPERATOR = /:-|-|:\?|\?|:\+|\+/y;

function matchAt(pattern: RegExp, text: string, index: number): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0];
}

/** Index of the brace that closes the reference whose content starts at `from`; -1 if there is none. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text.startsWith('$$', index)) {
      index += 1;
    } else if (text.startsWith('${', index)) {
      depth += 1;
      index += 1;
    } else if (text[index] === '}') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return -1;
}

/** The value of `${name operator word}`. */
function referenced(
  { name, operator, word }: { name: string; operator: string; word: string },
  variables: Variables,
  onUnset: (name: string) => void,
): string {
  const value = variables.get(name);
  const isUsable = value !== undefined && !(operator.startsWith(':') && value === '');
  const alternative = () => interpolate(word, variables, onUnset);
  if (operator.endsWith('+')) return isUsable ? alternative() : '';
  if (isUsable) return value;
  if (operator.endsWith('-')) return alternative();
  if (operator.endsWith('?')) {
    const reason = alternative();
    throw new InterpolationError(`needs the variable ${name}${reason && `: ${reason}`}; set it`);
  }
  onUnset(name);
  return '';
}

/**
 * Replaces references to variables as compose files do: `$NAME`, `${NAME}`, `${NAME:-default}`,
 * `${NAME:?why it is needed}` and `${NAME:+instead}`. Without the colon, an empty variable counts as set.
 * A word behind an operator may hold references itself. `$$` stands for one dollar sign.
 * @param onUnset called for each variable that is not set and has no default; its value is ''
 * @throws InterpolationError if a `$` starts no reference, or if `${NAME:?...}` is not set
 */
export function interpolate(
  text: string,
  variables: Variables,
  onUnset: (name: string) => void,
): string {
  let result = '';
  let index = 0;
  for (;;) {
    const dollar = text.indexOf('$', index);
    if (dollar < 0) return result + text.slice(index);
    result += text.slice(index, dollar);
    const start = dollar + 1;
    if (text[start] === '$') {
      result += '$';
      index = start + 1;
      continue;
    }
    const isBraced = text[start] === '{';
    const from = isBraced ? start + 1 : start;
    const end = isBraced ? closingBrace(text, from) : from;
    const name = matchAt(NAME, text, from);
    if (name === undefined || end < 0) {
      throw new InterpolationError(
        `has a $ that starts no \${NAME}: ${JSON.stringify(text.slice(dollar, dollar + 20))}; write $$ for a dollar sign`,
      );
    }
    const behind = from + name.length;
    const operator = isBraced && behind < end ? matchAt(OPERATOR, text, behind) : '';
    if (operator === undefined) {
      throw new InterpolationError(
        `has \${${text.slice(from, end)}}; known are \${${name}}, \${${name}:-default}, \${${name}:?reason} and \${${name}:+instead}`,
      );
    }
    const word = isBraced ? text.slice(behind + operator.length, end) : '';
    result += referenced({ name, operator, word }, variables, onUnset);
    index = isBraced ? end + 1 : behind;
  }
}
