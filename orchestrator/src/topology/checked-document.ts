import { unknownName } from '@weft/proto';
import { LineCounter, parseDocument } from 'yaml';
import { OrchestratorError } from '../errors.ts';
import { noVariables, type Variables } from './variables.ts';
import { type DocumentPath, typedScalar, YamlValues } from './yaml-values.ts';

export type { DocumentPath };

/** weft.yaml is not as it must be; the message lists each fault with file, line and path. */
export class TopologyError extends OrchestratorError {
  override readonly name = 'TopologyError';
  /** One line per fault. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

function pathText(path: DocumentPath): string {
  if (path.length === 0) return 'the document';
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

function shown(value: unknown): string {
  if (value instanceof Map) return 'a mapping';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** What to do about a line with a variable where YAML reads its `{` as the start of a mapping. */
function quotingAdvice(line: string): string {
  const [, variable] = /(?<!\$)[[{][^'"]*(\$\{[^}]*\})/.exec(line) ?? [];
  return variable === undefined ? '' : `; within { } or [ ] write "${variable}" with quotes`;
}

/**
 * A YAML document read with checks. Each reading method returns a usable value and notes what was wrong, so
 * that one run names every fault; `throwIfWrong` ends the reading.
 */
export class CheckedDocument {
  /** The document as plain values; mappings are Maps, so no key is special. */
  readonly root: unknown;
  /** Variables without a value or a default, each with the line that refers to it. */
  readonly unsetVariables: readonly { readonly name: string; readonly line: number }[];
  readonly #file: string;
  readonly #values: YamlValues;
  readonly #problems: { line: number; text: string }[] = [];

  /**
   * @param variables what `${NAME}` in a value refers to
   * @throws TopologyError when `text` is not YAML
   */
  constructor(text: string, file: string, variables: Variables = noVariables) {
    this.#file = file;
    const lines = new LineCounter();
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
    });
    // After the first error the parser has lost its place, and its other errors mislead.
    for (const { message, pos } of [...document.errors.slice(0, 1), ...document.warnings]) {
      const { line } = lines.linePos(pos[0]);
      const advice = quotingAdvice(text.split('\n')[line - 1] ?? '');
      this.#problems.push({ line, text: `not valid YAML: ${message}${advice}` });
    }
    this.throwIfWrong();
    const unset: { name: string; line: number }[] = [];
    this.#values = new YamlValues({
      document,
      lines,
      variables,
      onProblem: (path, line, description) => this.#note(path, line, description),
      onUnset: (name, line) => unset.push({ name, line }),
    });
    this.root = this.#values.root;
    this.unsetVariables = unset;
  }

  /** Notes a fault at `path`. */
  problem(path: DocumentPath, description: string): void {
    this.#note(path, this.#values.lineOf(path), description);
  }

  /** Reads a mapping with only `known` keys, and keys that start with `x-`, which Weft ignores; absent is empty. */
  mapping(value: unknown, path: DocumentPath, known?: readonly string[]): Map<string, unknown> {
    if (value === undefined || value === null) return new Map();
    if (!(value instanceof Map)) {
      this.problem(path, `must be a mapping, not ${shown(value)}`);
      return new Map();
    }
    for (const key of value.keys()) {
      if (known === undefined || known.includes(key) || key.startsWith('x-')) continue;
      this.problem([...path, key], unknownName('known key', key, known));
    }
    return value;
  }

  /** Reads a whole number from `min` to `max`; absent stands for `fallback`. */
  integer(value: unknown, path: DocumentPath, min: number, max: number, fallback: number): number {
    if (value === undefined) return fallback;
    const number = this.typed(value, path);
    if (Number.isInteger(number) && Number(number) >= min && Number(number) <= max) {
      return Number(number);
    }
    this.problem(path, `must be a whole number from ${min} to ${max}, not ${shown(value)}`);
    return fallback;
  }

  /** Reads a number greater than 0; absent stands for undefined. */
  positive(value: unknown, path: DocumentPath): number | undefined {
    if (value === undefined) return undefined;
    const number = this.typed(value, path);
    if (typeof number === 'number' && number > 0 && Number.isFinite(number)) return number;
    this.problem(path, `must be a number greater than 0, not ${shown(value)}`);
    return undefined;
  }

  /** Reads true or false; absent stands for false. */
  flag(value: unknown, path: DocumentPath): boolean {
    if (value === undefined) return false;
    const flag = this.typed(value, path);
    if (typeof flag === 'boolean') return flag;
    this.problem(path, `must be true or false, not ${shown(value)}`);
    return false;
  }

  /** Reads one of some words; absent stands for `fallback`. */
  oneOf<Word extends string>(
    value: unknown,
    path: DocumentPath,
    words: readonly Word[],
    fallback: Word,
  ): Word {
    if (value === undefined) return fallback;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) {
      this.problem(path, `must be ${words.join(' or ')}, not ${shown(value)}`);
    }
    return word ?? fallback;
  }

  /** Reads text of at least one character, as written; absent stands for `fallback`. */
  text(value: unknown, path: DocumentPath, fallback: string): string {
    if (value === undefined) return fallback;
    const text = this.written(value, path);
    if (text !== undefined && text !== '') return text;
    this.problem(path, `must be text, not ${shown(value)}`);
    return fallback;
  }

  /**
   * A scalar as written: the file's `1.10` or `012` is that text, and no number.
   * @returns undefined for a mapping, a list, no value, and text with NUL characters, which no process can get
   */
  written(value: unknown, path: DocumentPath): string | undefined {
    if (value === null || typeof value === 'object') return undefined;
    const text = this.#values.at(path)?.text ?? String(value);
    return text.includes('\0') ? undefined : text;
  }

  /** Reads a list of texts; absent stands for an empty one. */
  texts(value: unknown, path: DocumentPath): string[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.problem(path, `must be a list, not ${shown(value)}`);
      return [];
    }
    return value.map((item: unknown, index) => this.text(item ?? '', [...path, index], ''));
  }

  /** @throws TopologyError with every fault noted, in the order of the lines. */
  throwIfWrong(): void {
    if (this.#problems.length === 0) return;
    const ordered = this.#problems.toSorted((a, b) => a.line - b.line);
    throw new TopologyError(ordered.map(({ line, text }) => `${this.#file}:${line}: ${text}`));
  }

  /** A scalar where a number or a switch may stand: `"${PORT}"` is then the number that the variable holds. */
  typed(value: unknown, path: DocumentPath): unknown {
    const isText = typeof value === 'string' && this.#values.at(path)?.hasReference === true;
    return isText ? typedScalar(value) : value;
  }

  #note(path: DocumentPath, line: number, description: string): void {
    this.#problems.push({ line, text: `${pathText(path)}: ${description}` });
  }
}
