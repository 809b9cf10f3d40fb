import type { Command } from 'commander';
import { Orchestrator } from '../orchestrator.ts';
import { statusTable } from '../output/status-table.ts';
import { isColored, print, printNews } from '../output/terminal.ts';
import { openOwnLog } from '../own-log.ts';
import { type ChosenStore, chooseStore } from '../store-choice.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { folderOf, globalOptions } from './context.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** How this `weft` is called: through npm in a clone of the repository. */
const weft = process.env.npm_lifecycle_event === undefined ? 'weft' : 'npm run weft --';

/** What to try next, with the addresses of this mesh. */
function hints({ supervisor }: Orchestrator): string {
  const { registryAddress, etcdEndpoints } = supervisor;
  const [first] = supervisor.groups();
  const lines = [
    [`${weft} status`, 'this table again'],
    [`${weft} call ${first?.name} <Method> '{...}'`, 'a call by name, through the mesh'],
    [`${weft} scale ${first?.name}=3`, 'one instance more'],
    [`grpcurl -plaintext ${registryAddress} list`, 'what the registry offers'],
    [
      `grpcurl -plaintext ${registryAddress} weft.registry.v1.RegistryService/ListInstances`,
      'every instance and its address',
    ],
    ...(etcdEndpoints
      ? [
          [
            `ETCDCTL_API=3 etcdctl --endpoints ${etcdEndpoints} get --prefix /weft/v1/`,
            'what etcd holds',
          ],
        ]
      : []),
    [`${weft} down`, 'or Ctrl-C here: stops everything'],
  ];
  const width = Math.max(...lines.map(([command = '']) => command.length));
  return lines.map(([command = '', what]) => `  ${command.padEnd(width)}   ${what}`).join('\n');
}

export function storeNews(store: ChosenStore): string {
  return `store: ${store.kind === 'memory' ? 'memory' : 'etcd'} (${store.why})`;
}

export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('start the mesh of weft.yaml and keep it running until Ctrl-C or weft down')
    .action(async (_options: object, command: Command) => {
      const options = globalOptions(command);
      const topology = loadTopology(options.file);
      const store = chooseStore(topology.registry.store);
      const folder = folderOf(options);
      const orchestrator = new Orchestrator({
        topology,
        folder,
        store,
        log: openOwnLog(folder.ownLog),
        onNews: printNews,
      });
      const signals = stopOnSignals(orchestrator);
      try {
        printNews(storeNews(store));
        await orchestrator.start();
        const services = orchestrator.supervisor.status();
        print(statusTable({ services }, { nowMs: Date.now(), isColored }));
        print(
          `\nThe mesh is up; its data and logs are in ${folder.path}. Try:\n${hints(orchestrator)}\n`,
        );
        await orchestrator.stopped;
        printNews('stopped');
      } catch (error) {
        // Told to stop while starting is no failure.
        if (!signals.isStopping()) throw error;
        printNews('stopped');
      } finally {
        signals.dispose();
      }
    });
}
