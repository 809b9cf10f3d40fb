import { join } from 'node:path';
import { root, run } from '../tools/program.ts';
import type { Rule } from './rule.ts';

const bin = join(root, 'node_modules', '.bin');

/** A rule that a program checks: it passes when the program ends with 0. */
function toolRule(name: string, program: string, args: string[], cwd = root): Rule {
  return {
    name,
    async check() {
      const { code, output } = await run(program, args, { cwd });
      return { breaches: code === 0 ? [] : [output.trim() || `${program} ended with ${code}`] };
    },
  };
}

export const format = toolRule('format, lint, no import cycles (biome)', join(bin, 'biome'), [
  'check',
  '--max-diagnostics=none',
  '--colors=off',
  '.',
]);

export const types = toolRule('types (tsc)', join(bin, 'tsc'), ['-p', '.', '--pretty', 'false']);

/** What runs in browsers has other globals. */
export const pageTypes = toolRule('types of the web page (tsc)', join(bin, 'tsc'), [
  '-p',
  'registry/src/page',
  '--pretty',
  'false',
]);

export const contracts = toolRule(
  'contracts follow the style and are documented (buf lint)',
  join(bin, 'buf'),
  ['lint'],
  join(root, 'proto'),
);

export const generated = toolRule(
  'generated code is made from the contracts as they stand',
  process.execPath,
  [join(root, 'scripts', 'generate.mjs'), '--check'],
);
