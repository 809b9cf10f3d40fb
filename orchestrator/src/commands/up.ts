import type { Command } from 'commander';
import { Orchestrator } from '../orchestrator.ts';
import { hints } from '../output/hints.ts';
import { statusTable } from '../output/status-table.ts';
import { isColored, neverWaitForReaders, print, printNews } from '../output/terminal.ts';
import { openOwnLog } from '../own-log.ts';
import { type ChosenStore, chooseStore } from '../store-choice.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { folderOf, globalOptions } from './context.ts';
import { parsePort } from './parse-port.ts';
import { stopOnSignals } from './stop-on-signals.ts';

export function storeNews(store: ChosenStore): string {
  return `store: ${store.kind === 'memory' ? 'memory' : 'etcd'} (${store.why})`;
}

export function define(command: Command): void {
  command
    .option(
      '--metrics-port <number>',
      'port of GET /metrics (Prometheus) of weft up itself; 0 takes a free one',
      parsePort,
    )
    .action(async ({ metricsPort }: { metricsPort?: number }, command: Command) => {
      neverWaitForReaders();
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
        metricsPort,
      });
      const signals = stopOnSignals(orchestrator);
      try {
        printNews(storeNews(store));
        if (await orchestrator.start()) {
          const { supervisor } = orchestrator;
          const services = supervisor.status();
          print(statusTable({ services }, { nowMs: Date.now(), isColored }));
          print(`\nThe mesh is up; its data and logs are in ${folder.path}. Try:`);
          print(`${hints(supervisor, options.file)}\n`);
        }
        await orchestrator.stopped;
        printNews('stopped');
      } finally {
        signals.dispose();
      }
    });
}
