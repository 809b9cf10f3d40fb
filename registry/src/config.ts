import { Command, InvalidArgumentError, Option } from 'commander';

export interface RegistryConfig {
  store: 'etcd' | 'memory';
  /** `host:port` of each etcd member. */
  etcd: string[];
  host: string;
  port: number;
  /** `host:port` at which other registries reach it; undefined: where it listens. */
  advertise?: string;
  /** Whether instances must answer at their address before they are listed. */
  callback: boolean;
  logLevel: string;
}

const DEFAULT_ETCD = '127.0.0.1:2379';

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be 0 to 65535.');
}

function parseAddress(text: string): string {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:/\s]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError(`'${text}' is not host:port.`);
  }
  return text;
}

function parseEndpoints(text: string): string[] {
  return text.split(',').map((item) => parseAddress(item.trim().replace(/^http:\/\//, '')));
}

interface Flags {
  store: 'etcd' | 'memory' | 'auto';
  etcd?: string[];
  host: string;
  port: number;
  advertise?: string;
  callback: boolean;
  logLevel: string;
}

/**
 * Reads the command line. `--help`, `--version` and mistakes end the process with a message
 * (exit code 0, or 1 for a mistake).
 */
export function readConfig(argv: readonly string[]): RegistryConfig {
  const levels = ['silent', 'error', 'warn', 'info', 'debug'];
  const flags = new Command('weft-registry')
    .description('The central registry of a Weft mesh')
    .addOption(
      new Option('--store <kind>', 'where instances are kept; auto: in etcd where it is named')
        .choices(['etcd', 'memory', 'auto'])
        .default('auto'),
    )
    .addOption(
      new Option('--etcd <host:port,...>', 'members of etcd')
        .env('ETCD_ENDPOINTS')
        .argParser(parseEndpoints),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', parsePort, 7400)
    .option(
      '--advertise <host:port>',
      'where the other registries on this etcd reach it, if not where it listens',
      parseAddress,
    )
    .option('--no-callback', 'list instances without calling their address back first')
    .addOption(
      new Option('--log-level <level>', 'least level to log').choices(levels).default('info'),
    )
    .allowExcessArguments(false)
    .parse(argv, { from: 'user' })
    .opts<Flags>();
  const { store, etcd, ...rest } = flags;
  const isEtcd = store === 'etcd' || (store === 'auto' && etcd !== undefined);
  return { ...rest, store: isEtcd ? 'etcd' : 'memory', etcd: etcd ?? [DEFAULT_ETCD] };
}
