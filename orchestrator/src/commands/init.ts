import { relative } from 'node:path';
import type { Command } from 'commander';
import { createService } from '../init/create-service.ts';
import { examplesText } from '../output/examples.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { print, printJson } from '../output/terminal.ts';

interface InitOptions {
  readonly install: boolean;
  readonly json: boolean;
}

export function define(command: Command): void {
  command
    .argument('<folder>', 'to make; its last part is the name of the service')
    .option('--no-install', 'leave npm install to you')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `
Weft's packages come from where the project around has them; archives are copied into vendor/.
${examplesText([
  ['init hello', 'then: cd hello && npm test'],
  ['init ../shop/guest-book --no-install', ''],
])}`,
    )
    .action(async (path: string, { install, json }: InitOptions) => {
      const progress = new ProgressLine();
      const from = process.cwd();
      const onProgress = (text: string) => progress.show(text);
      const created = await createService({ path, install, from, onProgress }).finally(() =>
        progress.clear(),
      );
      if (json) return printJson(created);
      const { folder, files, installed } = created;
      const here = relative(from, folder) || '.';
      const steps = [`cd ${here}`, ...(installed ? [] : ['npm install']), 'npm test', 'npm start'];
      print(`${files.map((file) => `${here}/${file}`).join('\n')}\n`);
      print(`${created.name} is made. Next:\n${steps.map((step) => `  ${step}`).join('\n')}`);
    });
}
