import { weftCommand } from './weft-command.ts';

/** The words of a command, and what it does. */
export type Example = readonly [words: string, what: string];

/** Examples as `--help` shows them. */
export function examplesText(examples: readonly Example[]): string {
  const lines = examples.map(([words, what]) => {
    return `  ${weftCommand(words).padEnd(40)}  ${what}`.trimEnd();
  });
  return `\nExamples:\n${lines.join('\n')}`;
}
