import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addressText } from '@weft/proto';
import { findEtcd, findEtcdTool } from '../../orchestrator/src/etcd/etcd-binary.ts';
import { startEtcdChild } from '../../orchestrator/src/etcd/etcd-child.ts';
import { lastLines } from '../../orchestrator/src/process/log-file.ts';
import type { ManagedProcess } from '../../orchestrator/src/process/managed-process.ts';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { etcdProbe } from '../../orchestrator/src/slot/probes.ts';
import type { Certificate } from './certificates.ts';
import { eventually } from './eventually.ts';
import { tempFolder } from './temp-folder.ts';

const host = '127.0.0.1';
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5000;
/** Alone, it has no one to wait for before it holds itself elected: it answers 0.7 s sooner. */
const ALONE = { 'heartbeat-interval': '20', 'election-timeout': '200' };

export interface TestEtcdOptions {
  /** Flags of etcd's, without dashes. */
  flags?: Readonly<Record<string, string>>;
  /** Shown to clients, who have to show one that `caFile` signed. Default: no TLS. */
  tls?: { server: Certificate; client: Certificate; caFile: string };
  /** Fixed where other members have to know it. Default: a free one at each start. */
  peerPort?: number;
}

/** A real etcd on ports of its own over a temporary folder. Always `await close()`. */
export interface TestEtcd {
  /** `127.0.0.1:port`; stays the same over stop and start. */
  readonly endpoint: string;
  /** Runs etcdctl against it and answers what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Ends the process and keeps the data. */
  stop(): Promise<void>;
  /** The same with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the same data unless `wipe`. */
  start(options?: { wipe?: boolean }): Promise<void>;
  /** Freezes the process (SIGSTOP). */
  pause(): void;
  /** Lets it run on (SIGCONT). */
  resume(): void;
  /** Ends the process and removes the data. */
  close(): Promise<void>;
}

async function run(program: string, args: string[], env: Record<string, string>): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...process.env, ETCDCTL_API: '3', ...env },
  });
  return stdout;
}

/** Runs etcdctl against any etcd and answers what it prints. */
export function etcdctl(endpoints: readonly string[], ...args: string[]): Promise<string> {
  return run(findEtcdTool('etcdctl') ?? 'etcdctl', args, {
    ETCDCTL_ENDPOINTS: endpoints.join(','),
  });
}

export async function createTestEtcd(options: TestEtcdOptions = {}): Promise<TestEtcd> {
  const binary = findEtcd();
  const ctl = findEtcdTool('etcdctl');
  if (binary === undefined || ctl === undefined) {
    throw new Error('these tests need etcd and etcdctl: run `npm test`, which installs them');
  }
  const folder = tempFolder('weft-etcd-');
  let generation = 0;
  const clientPort = await freePort(host);
  const endpoint = addressText({ host, port: clientPort });
  const logFile = join(folder.path, 'etcd.log');
  const { tls } = options;
  // Health is asked for without a certificate.
  const healthAddress =
    tls === undefined ? endpoint : addressText({ host, port: await freePort(host) });
  const tlsFlags = tls && {
    'listen-client-urls': `https://${endpoint}`,
    'advertise-client-urls': `https://${endpoint}`,
    'listen-metrics-urls': `http://${healthAddress}`,
    'cert-file': tls.server.certFile,
    'key-file': tls.server.keyFile,
    'client-cert-auth': 'true',
    'trusted-ca-file': tls.caFile,
  };
  const tlsEnvironment = tls && {
    ETCDCTL_ENDPOINTS: `https://${endpoint}`,
    ETCDCTL_CACERT: tls.caFile,
    ETCDCTL_CERT: tls.client.certFile,
    ETCDCTL_KEY: tls.client.keyFile,
  };
  let etcd: ManagedProcess;
  const stop = async (graceMs = STOP_TIMEOUT_MS) => {
    etcd.terminate(graceMs);
    await etcd.exited;
  };
  const start = async () => {
    etcd = startEtcdChild({
      binary,
      dataDir: join(folder.path, `data-${generation}`),
      host,
      clientPort,
      peerPort: options.peerPort ?? (await freePort(host)),
      logFile,
      flags: { ...ALONE, ...tlsFlags, ...options.flags },
    });
    const probe = etcdProbe(healthAddress);
    const isReady = async () => {
      if (!(await probe.read(1000)).isReady) {
        throw new Error(`etcd does not answer:\n${lastLines(logFile, 20).join('\n')}`);
      }
    };
    await eventually(isReady, { withinMs: START_TIMEOUT_MS });
  };
  const signal = (name: NodeJS.Signals) => void process.kill(etcd.pid ?? 0, name);
  await start();
  return {
    endpoint,
    ctl: (...args) => run(ctl, args, { ETCDCTL_ENDPOINTS: endpoint, ...tlsEnvironment }),
    stop: () => stop(),
    async kill() {
      signal('SIGKILL');
      await etcd.exited;
    },
    start({ wipe = false } = {}) {
      if (wipe) generation += 1;
      return start();
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async close() {
      await stop(1000);
      folder[Symbol.dispose]();
    },
  };
}
