import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { CommanderError } from 'commander';
import { commands } from './commands/index.ts';
import { LazyCommand } from './commands/lazy-command.ts';
import { OrchestratorError } from './errors.ts';
import { type Example, examplesText } from './output/examples.ts';
import { printNews } from './output/terminal.ts';
import { weftCommand } from './output/weft-command.ts';

/** What `weft` ends with. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const EXAMPLES: readonly Example[] = [
  ['init hello', 'a new service, with a test'],
  ['up', 'start the mesh of ./weft.yaml'],
  ['status --json', 'what runs where, for programs'],
  [`call user-service CreateUser '{"name": "Ada", "email": "ada@example.com"}'`, ''],
  ['scale user-service=3', 'one instance more'],
  ['restart order-service', 'replace its instances, no call fails'],
  ['logs payment-service -f', 'follow what it writes'],
  ['top', 'services and instances by traffic, live'],
  ['graph', 'who calls whom'],
  ['drain user-service user-service-1', 'no more calls to one instance'],
  ['run --service pages --port 8080 --health http:/ -- ./pages', 'a program in any language'],
  ['demo', 'the whole tour on free ports, then stop'],
  ['etcd up --nodes 3', 'an etcd that survives the loss of a node'],
  ['registry export > mesh.json', 'everything that is registered'],
  ['doctor', 'what is wrong here, and what to do'],
  ['verify --live', 'whether the services are autonomous and isolated'],
];

const HELP = `${examplesText(EXAMPLES)}

Environment:
  ETCD_ENDPOINTS   an etcd that runs already (host:port, ...); else weft up runs its own
  ETCD_BIN         the etcd program, when it is not in PATH
  WEFT_REGISTRY    the registry to ask, host:port; several with commas between
  NO_COLOR         print without colours
  NODE_COMPILE_CACHE  folder of compiled code (default: weft/compiled in the cache folder of the user)

Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** Commands that show the options of `weft` itself. */
const ABOUT_WEFT: readonly string[] = ['help', '__complete'];

function versionOfWeft(): string {
  const manifest = findPackageJSON('..', import.meta.filename) ?? '';
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/**
 * The program with every command.
 * @param words what it is to parse: `--version` is an option of `weft` only if they name no command, as a
 *   command may have a `--version` of its own
 */
function createProgram(words: readonly string[]): LazyCommand {
  const program = new LazyCommand(weftCommand('').trim());
  program
    .description('Starts and supervises a service mesh, and looks inside.')
    .option('--file <path>', 'the description of the mesh', 'weft.yaml')
    .addHelpText('after', HELP)
    .showHelpAfterError(`(${weftCommand('--help')} lists all commands and options)`)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride();
  for (const { name, about, isHidden = false, load } of commands) {
    const command = new LazyCommand(name, load).description(about).copyInheritedSettings(program);
    program.addCommand(command, { hidden: isHidden });
  }
  const named = words.find((word) => program.commands.some((command) => command.name() === word));
  if (named === undefined || ABOUT_WEFT.includes(named)) program.version(versionOfWeft());
  return program;
}

/** `help call` is `call --help`, whose module commander then loads. */
function withoutHelpWord(words: readonly string[]): readonly string[] {
  return words[0] === 'help' ? [...words.slice(1), '--help'] : words;
}

/** Runs `weft` with the words after its name. @returns its exit code */
export async function runWeft(words: readonly string[]): Promise<number> {
  try {
    await createProgram(words).parseAsync(withoutHelpWord(words), { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(await isUserError(error))) throw error;
    for (const line of (error as Error).message.split('\n')) printNews(line);
    return EXIT.failed;
  }
}

/** Whether the user can act on an error: one of ours, or of the SDK about $WEFT_POLICIES. */
async function isUserError(error: unknown): Promise<boolean> {
  if (error instanceof OrchestratorError) return true;
  const { ConfigError } = await import('@weft/client-sdk');
  return error instanceof ConfigError;
}
