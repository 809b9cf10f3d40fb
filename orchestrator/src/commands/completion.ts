import { createMesh } from '@weft/client-sdk';
import { Argument, type Command } from 'commander';
import {
  complete,
  type MeshWords,
  type ReadWords,
  readWords,
  shortMethods,
} from '../completion/complete.ts';
import { SHELLS, type Shell, shellScript } from '../completion/shell-scripts.ts';
import { readInstances, readServices } from '../mesh-view/read-catalog.ts';
import { examplesText } from '../output/examples.ts';
import { print } from '../output/terminal.ts';
import { runsFromSource } from '../output/weft-command.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { askRegistry } from './ask-registry.ts';
import { registryOf } from './registry-option.ts';

/** Whoever presses tab waits no longer for the mesh. */
const PATIENCE_MS = 4000;

/** `ask`, in time; nothing where it fails: a completion has nowhere to say why. */
async function orNone(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => resolve([]), PATIENCE_MS);
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the mesh that the words typed so far name. */
function meshWords(command: Command, { values }: ReadWords): MeshWords {
  const file = values.get('--file') ?? 'weft.yaml';
  const registry = values.get('--registry');
  command.setOptionValue('registry', registry);
  command.parent?.setOptionValue('file', file);
  return {
    services: async () => {
      const listed = await orNone(() =>
        askRegistry(command, async (access) =>
          (await readServices(access.registry)).items.map(({ name }) => name),
        ),
      );
      if (listed.length > 0) return listed;
      return orNone(async () => loadTopology(file).services.map(({ name }) => name));
    },
    instances: (service) =>
      orNone(() =>
        askRegistry(command, async (access) =>
          (await readInstances(access.registry, { service })).items.map(({ id }) => id),
        ),
      ),
    methods: (service) =>
      orNone(async () => {
        const mesh = createMesh({ registry: registryOf({ file }, registry), telemetry: false });
        try {
          return shortMethods(await mesh.methods(service));
        } finally {
          mesh.close();
        }
      }),
  };
}

/** The words that start this program, wherever the shell stands. */
function startWords(): string[] {
  if (!runsFromSource) return ['weft'];
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, services, instances and methods')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .addHelpText(
      'after',
      examplesText([
        ['completion bash > ~/.weft-completion', 'source it in ~/.bashrc'],
        ['completion fish', 'for ~/.config/fish/completions/weft.fish'],
      ]),
    )
    .action((shell: Shell) => print(shellScript(shell, startWords())));
  program
    .command('__complete', { hidden: true })
    .description('what the scripts of completion ask: the words that may come next, a line each')
    .argument('[words...]', 'what is typed after weft, the last word perhaps empty', [])
    .action(async (words: string[], _options: object, command: Command) => {
      const read = readWords(program, words.slice(0, -1));
      const current = words.at(-1) ?? '';
      for (const { word, text } of await complete(read, current, meshWords(command, read))) {
        print(text === '' ? word : `${word}\t${text}`);
      }
    });
}
