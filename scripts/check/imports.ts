/** One import or re-export of a module. */
export interface Import {
  /** What stands between the keyword and `from`; empty for `import 'x'` and `import('x')`. */
  readonly clause: string;
  /** The module named: `node:fs`, `@weft/proto/user`, `./errors.ts`. */
  readonly from: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

const statement = /^(?:import|export)\s+(?:([\w*{][^'";]*?)\s*from\s*)?['"]([^'"\n]+)['"]/gm;
const call = /\b(?:import|require|import\.meta\.resolve)\(\s*['"]([^'"\n]+)['"]/g;

/** The modules a formatted TypeScript or JavaScript file loads. */
export function importsOf(text: string): Import[] {
  const lineAt = (index: number) => text.slice(0, index).split('\n').length;
  return [
    ...[...text.matchAll(statement)].map(({ 1: clause = '', 2: from = '', index }) => ({
      clause,
      from,
      line: lineAt(index),
    })),
    ...[...text.matchAll(call)].map(({ 1: from = '', index }) => ({
      clause: '',
      from,
      line: lineAt(index),
    })),
  ];
}

/** The package a module belongs to: `@weft/proto/user` -> `@weft/proto`; undefined for files and Node's own. */
export function packageOf(module: string): string | undefined {
  if (/^(\.|\/|node:)/.test(module)) return undefined;
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
}
