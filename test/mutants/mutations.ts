import { parseSync } from '@swc/core';

/** One small change of a source file. */
export interface Mutant {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Line of the change, from 1. */
  readonly line: number;
  /** What is replaced, in bytes of the file. */
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
}

interface Node {
  readonly type?: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly [field: string]: unknown;
}

/** A statement before the text, so that the first node begins at a known place: swc skips comments. */
const HEAD = '0;';

const OPERATORS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
};

/** Calls that no test needs to see: logging, and timers that do not hold up the end of a process. */
const UNSEEN = /(^|[.#])(log|logger)\??\.\w+\(|\.unref\(\)$|^super\(/;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** The parts of a node. Some have no type: the function of a method, an argument of a call. */
function childrenOf(node: Node): Node[] {
  // Of what only types need, the value inside counts: `x as T`.
  if (node.type?.startsWith('Ts')) return isNode(node.expression) ? [node.expression] : [];
  return Object.values(node).flat().filter(isNode);
}

const isText = ({ type }: Node) => type === 'StringLiteral' || type === 'TemplateLiteral';

/** Every small change of a file that could change what it does, in the order of the file. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const bytes = Buffer.from(text);
  const module = parseSync(HEAD + text, { syntax: 'typescript', target: 'es2022' });
  const base = module.span.start + HEAD.length;
  const found: Mutant[] = [];
  const place = (node: unknown): [number, number] => {
    const { start, end } = (node as Required<Node>).span;
    return [start - base, end - base];
  };
  const source = (start: number, end: number) => bytes.subarray(start, end).toString();
  const add = (start: number, end: number, replace: (original: string) => string) => {
    const original = source(start, end);
    const replacement = replace(original);
    const line = source(0, start).split('\n').length;
    if (replacement !== original) found.push({ file, line, start, end, original, replacement });
  };
  const negate = (test: unknown) => add(...place(test), (original) => `!(${original})`);

  const visit = (node: Node) => {
    const { type = '' } = node;
    if (type === 'BinaryExpression') {
      const [left, right] = [node.left as Node, node.right as Node];
      const operator = node.operator as string;
      const other = OPERATORS[operator];
      const isNumeric = operator !== '+' || !(isText(left) || isText(right));
      if (other !== undefined && isNumeric) {
        add(place(left)[1], place(right)[0], (between) => between.replace(operator, () => other));
      }
    }
    if (/^(If|While)Statement$|^ConditionalExpression$/.test(type)) negate(node.test);
    if (type === 'UnaryExpression' && node.operator === '!') {
      add(...place(node), (original) => original.slice(1));
    }
    if (type === 'ExpressionStatement') {
      const [start, end] = place(node);
      const isCall = /^(await |void )?[^=]*\)\??;?$/s.test(source(start, end));
      const inner = node.expression as Node;
      const called = inner.type === 'AwaitExpression' ? (inner.argument as Node) : inner;
      if (isCall && called.type === 'CallExpression' && !UNSEEN.test(source(...place(called)))) {
        add(start, end, () => ';');
      }
    }
    if (type === 'CallExpression' && isNode(node.callee)) {
      const swap = (name: string) =>
        name.replace(/^Math\.(min|max)$/, (_, which) => `Math.${which === 'min' ? 'max' : 'min'}`);
      add(...place(node.callee), swap);
    }
    if (type === 'BooleanLiteral') {
      add(...place(node), (original) => String(original !== 'true'));
    }
    if (type === 'NumericLiteral' && /^[012]$/.test(source(...place(node)))) {
      add(...place(node), (original) => String(Number(original) + 1));
    }
    for (const child of childrenOf(node)) visit(child);
  };
  for (const item of module.body.slice(1)) visit(item as unknown as Node);
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The file with the change. */
export function mutated(text: string, { start, end, replacement }: Mutant): string {
  const bytes = Buffer.from(text);
  return `${bytes.subarray(0, start)}${replacement}${bytes.subarray(end)}`;
}
