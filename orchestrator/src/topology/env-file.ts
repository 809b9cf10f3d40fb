import { InterpolationError, interpolate, type Variables } from './variables.ts';

/** The contents of a `.env` file. */
export interface EnvFile {
  readonly values: ReadonlyMap<string, string>;
  /** What cannot be read, as `line: what is wrong and what to do`. */
  readonly problems: readonly string[];
}

/**
 * One line, or several if a quoted value spans them: blank, a comment, or `NAME=value`. Groups: name, value in
 * single quotes, value in double quotes, value without quotes.
 */
const LINE = new RegExp(
  [
    String.raw`[ \t]*(?:(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*`,
    String.raw`(?:=[ \t]*(?:(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)")[ \t]*(?:#.*)?|((?!['"]).*)))?`,
    String.raw`|#.*)?(?:\n|$)`,
  ].join(''),
  'y',
);

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', $: '$$' };

/** Replaces the escapes of a double-quoted value, so that `\$` starts no reference. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\([\s\S])/g,
    (pair, next: string) => ESCAPES[next] ?? (/["'\\]/.test(next) ? next : pair),
  );
}

/**
 * Reads a `.env` file as compose does. Each line is `NAME=value`, blank, or a `#` comment. Single quotes keep a
 * value as written. In double quotes, escapes (`\n`, `\"` ...) and references (`${NAME}`) are replaced; without
 * quotes, references are, and ` #` starts a comment. A name without `=` has no effect.
 * @param shell variables of the shell: references use them before the lines above
 */
export function parseEnvFile(text: string, shell: Variables): EnvFile {
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const values = new Map<string, string>();
  const problems: string[] = [];
  const variables: Variables = { get: (name) => shell.get(name) ?? values.get(name) };
  const expanded = (value: string) => interpolate(value, variables, () => {});
  for (let index = 0; index < source.length; ) {
    const line = source.slice(0, index).split('\n').length;
    LINE.lastIndex = index;
    const match = LINE.exec(source);
    if (match === null) {
      problems.push(`${line}: is no NAME=value; a value in quotes needs the closing one`);
      index = `${source}\n`.indexOf('\n', index) + 1;
      continue;
    }
    const [all, name, single, double, bare] = match;
    index += all.length;
    try {
      if (name === undefined) continue;
      if (single !== undefined) values.set(name, single.replaceAll("\\'", "'"));
      if (double !== undefined) values.set(name, expanded(unescaped(double)));
      if (bare !== undefined) values.set(name, expanded(bare.replace(/(^|\s)#.*$/, '').trim()));
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      problems.push(`${line}: ${name} ${error.message}`);
    }
  }
  return { values, problems };
}
