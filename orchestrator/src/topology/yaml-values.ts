import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  Scalar,
  type YAMLMap,
} from 'yaml';
import { InterpolationError, interpolate, type Variables } from './variables.ts';

/** Where a value is in a document: `['services', 'user-service', 'port']`. */
export type DocumentPath = readonly (string | number)[];

/** What the file says at one path. */
export interface Place {
  /** Line of the key or item, from 1. */
  readonly line: number;
  /** A scalar as written, with references to variables replaced; undefined for a mapping or a list. */
  readonly text?: string;
  /** Whether references to variables were replaced in `text`. */
  readonly hasReference?: boolean;
}

export interface YamlOptions {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly variables: Variables;
  /** Called for each fault. */
  readonly onProblem: (path: DocumentPath, line: number, text: string) => void;
  /** Called for each variable that is not set and has no default. */
  readonly onUnset: (name: string, line: number) => void;
}

interface Entry {
  readonly line: number;
  readonly value: Node | null;
}

/** No file written by people has more values; aliases of aliases could expand to billions. */
const MAX_VALUES = 50_000;

/** Reads text that carries no quotes as the core schema of YAML 1.2 does, without `null` and `0x`. */
export function typedScalar(text: string): string | number | bigint | boolean {
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === 'true';
  if (!/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text)) return text;
  const value = Number(text);
  const isTooLarge = /^[-+]?\d+$/.test(text) && !Number.isSafeInteger(value);
  return isTooLarge ? BigInt(text.replace('+', '')) : value;
}

/** A scalar as written: `1.10` stays `1.10`. */
function writtenText({ type, value, source }: Scalar): string {
  if (typeof value === 'string') return value;
  return type === Scalar.PLAIN && source !== undefined ? source : String(value ?? '');
}

/**
 * Turns the nodes of a document into plain values: mappings become Maps with text as keys, whole numbers
 * that a number cannot hold become bigints. It follows aliases, merges `<<` and replaces references to
 * variables in values (not in keys).
 */
export class YamlValues {
  /** The whole document. */
  readonly root: unknown;
  readonly #options: YamlOptions;
  readonly #places = new Map<string, Place>();
  /** The mappings and lists around the node that is being read. */
  readonly #open = new Set<Node>();
  /** The entries of each mapping that was read: aliases and merge keys lead to the same one again. */
  readonly #entriesOf = new Map<Node, Map<string, Entry>>();
  #count = 0;

  constructor(options: YamlOptions) {
    this.#options = options;
    this.root = this.#read(options.document.contents, [], this.#lineOf(options.document.contents));
  }

  /** What the file says at exactly this path. */
  at(path: DocumentPath): Place | undefined {
    return this.#places.get(path.join('\0'));
  }

  /** Line of the key or item at `path`, or of the nearest one around it that is there. */
  lineOf(path: DocumentPath): number {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.at(path.slice(0, length));
      if (place !== undefined) return place.line;
    }
    return this.#lineOf(this.#options.document.contents);
  }

  #lineOf(node: Node | null, fallback = 1): number {
    const offset = node?.range?.[0];
    return offset === undefined ? fallback : this.#options.lines.linePos(offset).line;
  }

  /** @param line of the key or item that leads to the node */
  #read(given: Node | null, path: DocumentPath, line: number): unknown {
    this.#count += 1;
    if (this.#count > MAX_VALUES) {
      if (this.#count === MAX_VALUES + 1) {
        this.#options.onProblem([], line, `has more than ${MAX_VALUES} values, aliases included`);
      }
      return null;
    }
    const node = this.#target(given, path, line);
    if (isScalar(node)) return this.#readScalar(node, path, line);
    this.#places.set(path.join('\0'), { line });
    if (node === null) return null;
    this.#open.add(node);
    const value = isMap(node) ? this.#readMap(node, path, line) : this.#readList(node, path, line);
    this.#open.delete(node);
    return value;
  }

  /** The node that an alias stands for, or the node itself; null if there is none. */
  #target(node: Node | null, path: DocumentPath, line: number): Node | null {
    if (!isAlias(node)) return node;
    const { source } = node;
    const target = node.resolve(this.#options.document);
    if (target !== undefined && !this.#open.has(target)) return target;
    const why =
      target === undefined ? 'has no anchor before it' : 'is a part of what it stands for';
    this.#options.onProblem(path, line, `the alias *${source} ${why}`);
    return null;
  }

  #readScalar(node: Scalar, path: DocumentPath, line: number): unknown {
    const written = writtenText(node);
    if (typeof node.value !== 'string' || !written.includes('$')) {
      this.#places.set(path.join('\0'), { line, text: written });
      const isWhole = typeof node.value === 'number' && /^[-+]?\d+$/.test(written);
      return isWhole ? typedScalar(written) : node.value;
    }
    const { variables, onProblem, onUnset } = this.#options;
    let text = '';
    try {
      text = interpolate(written, variables, (name) => onUnset(name, line));
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      onProblem(path, line, error.message);
    }
    this.#places.set(path.join('\0'), { line, text, hasReference: true });
    return node.type === Scalar.PLAIN ? typedScalar(text) : text;
  }

  #readList(node: Node, path: DocumentPath, line: number): unknown[] {
    const items = isSeq<Node | null>(node) ? node.items : [];
    return items.map((item, index) => this.#read(item, [...path, index], this.#lineOf(item, line)));
  }

  #readMap(node: YAMLMap, path: DocumentPath, line: number): Map<string, unknown> {
    const values = new Map<string, unknown>();
    for (const [key, entry] of this.#entries(node, path, line)) {
      values.set(key, this.#read(entry.value, [...path, key], entry.line));
    }
    return values;
  }

  /** The entries of a mapping, followed by those that its merge keys add (https://yaml.org/type/merge.html). */
  #entries(node: YAMLMap, path: DocumentPath, line: number): Map<string, Entry> {
    const known = this.#entriesOf.get(node);
    if (known !== undefined) return known;
    const entries = new Map<string, Entry>();
    this.#entriesOf.set(node, entries);
    const merges: Entry[] = [];
    for (const pair of node.items) {
      const given = pair.key as Node | null;
      const entry = { line: this.#lineOf(given, line), value: pair.value as Node | null };
      const keyNode = this.#target(given, path, entry.line);
      if (!isScalar(keyNode)) {
        this.#options.onProblem(path, entry.line, 'has a key that is no text');
        continue;
      }
      const key = writtenText(keyNode);
      const first = entries.get(key);
      if (key === '<<' && keyNode.type === Scalar.PLAIN) merges.push(entry);
      else if (first === undefined) entries.set(key, entry);
      else {
        const both = `in lines ${first.line} and ${entry.line}`;
        this.#options.onProblem([...path, key], entry.line, `stands here twice, ${both}`);
      }
    }
    for (const { value, line } of merges) {
      for (const source of this.#mergeSources(value, path, line)) {
        this.#open.add(source);
        for (const [key, entry] of this.#entries(source, path, line)) {
          if (!entries.has(key)) entries.set(key, entry);
        }
        this.#open.delete(source);
      }
    }
    return entries;
  }

  /** The mappings that a merge key names: one, or a list of them. */
  #mergeSources(given: Node | null, path: DocumentPath, line: number): YAMLMap[] {
    const node = this.#target(given, path, line);
    const named = isSeq<Node | null>(node) ? node.items : [node];
    return named.flatMap((item) => {
      const target = this.#target(item, path, line);
      if (isMap(target)) return [target];
      // An alias that stands for nothing was reported.
      const isReported = target === null && (isAlias(item) || isAlias(given));
      if (!isReported) {
        this.#options.onProblem([...path, '<<'], line, 'must name a mapping or a list of mappings');
      }
      return [];
    });
  }
}
