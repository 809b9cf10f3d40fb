import { ConfigError } from '@weft/client-sdk';
import { Command, CommanderError } from 'commander';
import { addBreakersCommand } from './commands/breakers.ts';
import { addCallCommand } from './commands/call.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDownCommand } from './commands/down.ts';
import { addDrainCommand } from './commands/drain.ts';
import { addEtcdCommand } from './commands/etcd.ts';
import { addEventsCommand } from './commands/events.ts';
import { addGraphCommand } from './commands/graph.ts';
import { addInitCommand } from './commands/init.ts';
import { addInstancesCommand } from './commands/instances.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addPsCommand } from './commands/ps.ts';
import { addRegistryCommand } from './commands/registry.ts';
import { addRestartCommand } from './commands/restart.ts';
import { addScaleCommand } from './commands/scale.ts';
import { addServicesCommand } from './commands/services.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTopCommand } from './commands/top.ts';
import { addUpCommand } from './commands/up.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { addWatchCommand } from './commands/watch.ts';
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

Exit codes: 0 done, 1 failed, 2 wrong usage.`;

function createProgram(): Command {
  const program = new Command(weftCommand('').trim())
    .description('Starts and supervises a service mesh, and looks inside.')
    .option('--file <path>', 'the description of the mesh', 'weft.yaml')
    .addHelpText('after', HELP)
    .showHelpAfterError(`(${weftCommand('--help')} tells more)`)
    .exitOverride();
  addInitCommand(program);
  addUpCommand(program);
  addStatusCommand(program);
  addScaleCommand(program);
  addRestartCommand(program);
  addLogsCommand(program);
  addDownCommand(program);
  addServicesCommand(program);
  addInstancesCommand(program);
  addPsCommand(program);
  addTopCommand(program);
  addGraphCommand(program);
  addWatchCommand(program);
  addEventsCommand(program);
  addBreakersCommand(program);
  addDrainCommand(program);
  addCallCommand(program);
  addDemoCommand(program);
  addEtcdCommand(program);
  addRegistryCommand(program);
  addVerifyCommand(program);
  addDoctorCommand(program);
  addCompletionCommand(program);
  return program;
}

/** Runs `weft` with the words after its name. Answers its exit code. */
export async function runWeft(words: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(words, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // The latter is told of what the environment hands the SDK: $WEFT_POLICIES.
    if (!(error instanceof OrchestratorError || error instanceof ConfigError)) throw error;
    for (const line of error.message.split('\n')) printNews(line);
    return EXIT.failed;
  }
}
