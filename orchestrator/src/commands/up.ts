import type { Command } from 'commander';
import { Orchestrator } from '../orchestrator.ts';
import { hints } from '../output/hints.ts';
import { statusTable } from '../output/status-table.ts';
import { isColored, neverWaitForReaders, print, printNews } from '../output/terminal.ts';
import { openOwnLog } from '../own-log.ts';
import { type ChosenStore, chooseStore } from '../store-choice.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { folderOf, type GlobalOptions } from './context.ts';
import { parsePort } from './parse-port.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { isDetached, reportUp, runDetached } from './up-detached.ts';

export function storeNews(store: ChosenStore): string {
  return `store: ${store.kind === 'memory' ? 'memory' : 'etcd'} (${store.why})`;
}

interface UpOptions extends GlobalOptions {
  readonly detach: boolean;
  readonly metricsPort?: number;
}

async function up(options: UpOptions): Promise<void> {
  const detached = isDetached();
  neverWaitForReaders();
  const topology = loadTopology(options.file);
  const store = chooseStore(topology.registry.store);
  const folder = folderOf(options);
  let isQuiet = false;
  const orchestrator = new Orchestrator({
    topology,
    folder,
    store,
    log: openOwnLog(folder.ownLog),
    onNews: (text) => {
      // Its log has the same.
      if (!isQuiet) printNews(text);
    },
    metricsPort: options.metricsPort,
  });
  const signals = stopOnSignals(orchestrator);
  try {
    printNews(storeNews(store));
    if (await orchestrator.start()) {
      const { supervisor } = orchestrator;
      const services = supervisor.status();
      print(statusTable({ services }, { nowMs: Date.now(), isColored }));
      print(`\nThe mesh is up; its data and logs are in ${folder.path}. Try:`);
      print(`${hints(supervisor, options.file, detached)}\n`);
      if (detached) reportUp();
      isQuiet = detached;
    }
    await orchestrator.stopped;
    printNews('stopped');
  } finally {
    signals.dispose();
  }
}

/** The words of the same command, which is to run detached. */
function detachedWords({ file, metricsPort }: UpOptions): string[] {
  const port = metricsPort === undefined ? [] : ['--metrics-port', String(metricsPort)];
  return ['--file', file, 'up', ...port];
}

export function define(command: Command): void {
  command
    .option('-d, --detach', 'go on in the background once the mesh is up', false)
    .option(
      '--metrics-port <number>',
      'port of GET /metrics (Prometheus) of weft up itself; 0 takes a free one',
      parsePort,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<UpOptions>();
      if (!options.detach) return up(options);
      process.exitCode = await runDetached(folderOf(options), detachedWords(options));
    });
}
