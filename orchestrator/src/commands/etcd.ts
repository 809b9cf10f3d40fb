import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { OrchestratorError } from '../errors.ts';
import { findEtcd } from '../etcd/etcd-binary.ts';
import { LocalCluster } from '../etcd/local-cluster.ts';
import { neverWaitForReaders, print, printNews } from '../output/terminal.ts';
import { folderOf, globalOptions } from './context.ts';
import { parsePort } from './parse-port.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface UpOptions {
  readonly nodes: string;
  readonly host: string;
  readonly clientPort: number;
  readonly dataDir?: string;
}

async function up({ nodes, host, clientPort, dataDir }: UpOptions, ownFolder: string) {
  neverWaitForReaders();
  const binary = findEtcd();
  if (binary === undefined) {
    throw new OrchestratorError('there is no etcd: install it, or name it with $ETCD_BIN.');
  }
  const cluster = new LocalCluster({
    binary,
    // Not where `weft up` has its own: one does not start on the data of the other.
    dataDir: resolve(dataDir ?? join(ownFolder, 'etcd-cluster')),
    host,
    nodes: Number(nodes),
    clientPort,
    onNews: printNews,
  });
  const signals = stopOnSignals(cluster);
  try {
    const endpoints = await cluster.start();
    if (endpoints !== undefined) print(`ETCD_ENDPOINTS=${endpoints}`);
    await cluster.stopped;
    printNews('stopped');
  } finally {
    signals.dispose();
  }
}

export function define(command: Command): void {
  command
    .command('up')
    .description('start an etcd on this machine and keep it running until Ctrl-C')
    .addOption(
      new Option('--nodes <number>', 'members; of three, one may fail, of five, two')
        .choices(['1', '3', '5'])
        .default('3'),
    )
    .option('--host <address>', 'IP address to listen on', '127.0.0.1')
    .option(
      '--client-port <number>',
      'port of the first member, the others take the next ones; 0 takes free ones, or those of last time',
      parsePort,
      0,
    )
    .option('--data-dir <folder>', 'where its data is kept (default: .weft/etcd-cluster)')
    .action((options: UpOptions, command: Command) =>
      up(options, folderOf(globalOptions(command)).path),
    );
}
