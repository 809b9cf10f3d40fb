import { Command, InvalidArgumentError, Option } from 'commander';
import {
  addEtcdFlags,
  type EtcdConfig,
  type EtcdFlags,
  etcdConfig,
  namesEtcd,
} from './flags/etcd-flags.ts';
import { addLimitFlags, type LimitFlags } from './flags/limit-flags.ts';
import { parseHostNames, parsePort, parseReachable } from './flags/parsers.ts';
import type { RegistryLimits } from './limits/limits.ts';

export interface RegistryConfig {
  store: 'etcd' | 'memory';
  etcd: EtcdConfig;
  host: string;
  port: number;
  /** `host:port` at which other registries reach it; undefined: where it listens. */
  advertise: string | undefined;
  /** Whether instances must answer at their address before they are listed. */
  callback: boolean;
  /** Port of the HTTP server; undefined for none. */
  httpPort: number | undefined;
  /** Host names by which the HTTP server may be reached, besides addresses. */
  httpHosts: string[];
  /** Whether the web page may drain and deregister instances, and people order breakers. */
  allowActions: boolean;
  limits: RegistryLimits;
  logLevel: string;
}

interface Flags extends EtcdFlags, LimitFlags {
  store: 'etcd' | 'memory' | 'auto';
  host: string;
  port: number;
  advertise?: string;
  callback: boolean;
  httpPort: number | 'off';
  httpHost: string[];
  allowActions: boolean;
  logLevel: string;
}

function parseHttpPort(text: string): number | 'off' {
  if (text === 'off') return text;
  try {
    return parsePort(text);
  } catch {
    throw new InvalidArgumentError("It must be 0 to 65535, or 'off'.");
  }
}

/**
 * Reads the command line. `--help`, `--version` and mistakes end the process with a message
 * (exit code 0, or 1 for a mistake).
 */
export function readConfig(argv: readonly string[]): RegistryConfig {
  const levels = ['silent', 'error', 'warn', 'info', 'debug'];
  const command = new Command('weft-registry')
    .description('The central registry of a Weft mesh')
    .addOption(
      new Option('--store <kind>', 'where instances are kept; auto: in etcd where it is named')
        .choices(['etcd', 'memory', 'auto'])
        .default('auto'),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', parsePort, 7400)
    .option(
      '--advertise <host:port>',
      'where the other registries on this etcd reach it, if not where it listens',
      parseReachable,
    )
    .option('--no-callback', 'list instances without calling their address back first')
    .option(
      '--http-port <number|off>',
      'port of the web page and of /metrics and /sd (Prometheus); 0 takes a free one, off serves none',
      parseHttpPort,
      7480,
    )
    .option(
      '--http-host <name,...>',
      'host names by which browsers and Prometheus may reach it, besides addresses and localhost',
      parseHostNames,
      [],
    )
    .option(
      '--allow-actions',
      'lets the web page drain and deregister instances, and people open and close breakers',
      false,
    )
    .addOption(
      new Option('--log-level <level>', 'least level to log').choices(levels).default('info'),
    )
    .allowExcessArguments(false);
  const flags = addLimitFlags(addEtcdFlags(command)).parse(argv, { from: 'user' }).opts<Flags>();
  const { store, host, port, advertise, callback, httpPort, httpHost, logLevel, allowActions } =
    flags;
  const isEtcd = store === 'etcd' || (store === 'auto' && namesEtcd(flags));
  return {
    store: isEtcd ? 'etcd' : 'memory',
    etcd: etcdConfig(flags, (message) => command.error(`error: ${message}`)),
    host,
    port,
    advertise,
    callback,
    httpPort: httpPort === 'off' ? undefined : httpPort,
    httpHosts: httpHost,
    allowActions,
    limits: {
      maxInstancesPerService: flags.maxInstancesPerService,
      maxMetadataBytes: flags.maxMetadataBytes,
      maxWatchesPerConnection: flags.maxWatchesPerConnection,
      maxRequestsPerSecond: flags.maxRequestsPerSecond,
    },
    logLevel,
  };
}
