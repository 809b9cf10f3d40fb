import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { OrchestratorError } from '../errors.ts';

/** Where a value stands: `['services', 'user-service', 'port']`. */
export type DocumentPath = readonly (string | number)[];

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
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function childOf(node: Node | null, part: string | number): { at?: Node; value: Node | null } {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    return { at: pair?.key as Node | undefined, value: (pair?.value as Node | null) ?? null };
  }
  if (isSeq(node)) {
    const item = (node.items[Number(part)] as Node | undefined) ?? null;
    return { at: item ?? undefined, value: item };
  }
  return { value: null };
}

/**
 * A YAML document read with checks. Every `read` answers a usable value and notes what was wrong, so
 * that one look names every fault; `throwIfWrong` ends the reading.
 */
export class CheckedDocument {
  /** The document as plain values; mappings are Maps, so no key is special. */
  readonly root: unknown;
  readonly #file: string;
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #problems: { line: number; text: string }[] = [];

  /** @throws TopologyError when `text` is not YAML. */
  constructor(text: string, file: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    for (const { message, pos } of this.#document.errors) {
      this.#problems.push({
        line: this.#lines.linePos(pos[0]).line,
        text: `not valid YAML: ${message}`,
      });
    }
    this.throwIfWrong();
    this.root = this.#document.toJS({ mapAsMap: true });
  }

  /** Notes a fault at `path`. */
  problem(path: DocumentPath, description: string): void {
    this.#problems.push({ line: this.#lineOf(path), text: `${pathText(path)}: ${description}` });
  }

  /** Reads a mapping with only `known` keys; absent stands for empty. */
  mapping(value: unknown, path: DocumentPath, known?: readonly string[]): Map<string, unknown> {
    if (value === undefined || value === null) return new Map();
    if (!(value instanceof Map)) {
      this.problem(path, `must be a mapping, not ${shown(value)}`);
      return new Map();
    }
    const entries = [...value].map(([key, item]) => [String(key), item] as const);
    for (const [key] of entries) {
      if (known && !known.includes(key)) {
        this.problem([...path, key], `is no known key; known here are ${known.join(', ')}`);
      }
    }
    return new Map(entries);
  }

  /** Reads a whole number from `min` to `max`; absent stands for `fallback`. */
  integer(value: unknown, path: DocumentPath, min: number, max: number, fallback: number): number {
    if (value === undefined) return fallback;
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) {
      return Number(value);
    }
    this.problem(path, `must be a whole number from ${min} to ${max}, not ${shown(value)}`);
    return fallback;
  }

  /** Reads a number greater than 0; absent stands for undefined. */
  positive(value: unknown, path: DocumentPath): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    this.problem(path, `must be a number greater than 0, not ${shown(value)}`);
    return undefined;
  }

  /** Reads true or false; absent stands for false. */
  flag(value: unknown, path: DocumentPath): boolean {
    if (value === undefined || typeof value === 'boolean') return value ?? false;
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

  /** Reads text of at least one character; absent stands for `fallback`. */
  text(value: unknown, path: DocumentPath, fallback: string): string {
    if (value === undefined) return fallback;
    if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
    this.problem(path, `must be text, not ${shown(value)}`);
    return fallback;
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

  /** Line of the key or item at `path`, or of the nearest thing around it that is there. */
  #lineOf(path: DocumentPath): number {
    let node: Node | null = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const part of path) {
      const child = childOf(node, part);
      if (child.at?.range) offset = child.at.range[0];
      if (child.value === null) break;
      node = child.value;
    }
    return this.#lines.linePos(offset).line;
  }
}
