import type { Command } from 'commander';
import { complete, readWords } from '../completion/complete.ts';
import { print } from '../output/terminal.ts';
import { LazyCommand } from './lazy-command.ts';

export function define(command: Command): void {
  command
    .argument('[words...]', 'the words after weft; the last one is to be completed', [])
    .action(async (words: string[]) => {
      const program = command.parent as Command;
      const typed = words.slice(0, -1);
      // Options and subcommands of the command that is typed are known once its module is loaded.
      const { command: named } = readWords(program, typed);
      if (named instanceof LazyCommand) await named.define();
      const read = readWords(program, typed);
      const load = async () => (await import('./mesh-words.ts')).meshWords(command, read);
      const candidates = await complete(read, words.at(-1) ?? '', {
        services: async () => (await load()).services(),
        instances: async (service) => (await load()).instances(service),
        methods: async (service) => (await load()).methods(service),
      });
      for (const { word, text } of candidates) print(text === '' ? word : `${word}\t${text}`);
    });
}
