import { mkdirSync } from 'node:fs';
import { addressText } from '@weft/proto';
import { startChild } from '../process/child.ts';
import type { ManagedProcess } from '../process/managed-process.ts';

export interface EtcdOptions {
  /** Path of the program; see `findEtcd`. */
  readonly binary: string;
  /** Folder of its data; made when missing, gone on with when not. */
  readonly dataDir: string;
  /** IP address to listen on. */
  readonly host: string;
  /** Port for clients; must be free. */
  readonly clientPort: number;
  /** Port for other etcd members; must be free. */
  readonly peerPort: number;
  /** File its output is appended to. */
  readonly logFile: string;
  /** Flags without dashes, over those it is given here. */
  readonly flags?: Readonly<Record<string, string>>;
}

/**
 * etcd 3.4 starts on arm64 only with this variable; newer versions ignore it. etcd gets no other ETCD_* variable from us
 * (`childEnvironment`): etcd would refuse to start if one contradicts a flag.
 */
const ENVIRONMENT: Record<string, string> =
  process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {};

/** Starts a single etcd; `etcdProbe` tells when it answers. */
export function startEtcdChild(options: EtcdOptions): ManagedProcess {
  const { binary, dataDir, host, clientPort, peerPort, logFile } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const clientUrl = `http://${addressText({ host, port: clientPort })}`;
  const peerUrl = `http://${addressText({ host, port: peerPort })}`;
  const flags = {
    name: 'weft',
    'data-dir': dataDir,
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `weft=${peerUrl}`,
    'auto-compaction-retention': '1h',
    logger: 'zap',
    'log-outputs': 'stderr',
    ...options.flags,
  };
  return startChild({
    command: [binary, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    // Where we are: the path of the program may be relative.
    folder: process.cwd(),
    environment: ENVIRONMENT,
    logFile,
  });
}
