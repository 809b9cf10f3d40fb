import { Argument, type Command } from 'commander';
import { SHELLS, type Shell, shellScript } from '../completion/shell-scripts.ts';
import { examplesText } from '../output/examples.ts';
import { print } from '../output/terminal.ts';
import { runsFromSource } from '../output/weft-command.ts';

/** The words that start this program, wherever the shell stands. */
function startWords(): string[] {
  if (!runsFromSource) return ['weft'];
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

export function define(command: Command): void {
  command
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .addHelpText(
      'after',
      examplesText([
        ['completion bash > ~/.weft-completion', 'source it in ~/.bashrc'],
        ['completion fish', 'for ~/.config/fish/completions/weft.fish'],
      ]),
    )
    .action((shell: Shell) => print(shellScript(shell, startWords())));
}
