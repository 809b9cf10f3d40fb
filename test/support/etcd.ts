import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findEtcd, findEtcdTool } from '../../orchestrator/src/etcd/etcd-binary.ts';
import { startEtcdChild } from '../../orchestrator/src/etcd/etcd-child.ts';
import { lastLines } from '../../orchestrator/src/process/log-file.ts';
import type { ManagedProcess } from '../../orchestrator/src/process/managed-process.ts';
import { addressText, freePort } from '../../orchestrator/src/process/ports.ts';
import { etcdProbe } from '../../orchestrator/src/slot/probes.ts';
import { eventually } from './eventually.ts';
import { tempFolder } from './temp-folder.ts';

const host = '127.0.0.1';
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5000;

/** A real etcd on ports of its own over a temporary folder. Always `await close()`. */
export interface TestEtcd {
  /** `127.0.0.1:port`; stays the same over stop and start. */
  readonly endpoint: string;
  /** Runs etcdctl against it and answers what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Ends the process and keeps the data. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL) and keeps the data. */
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

export async function createTestEtcd(): Promise<TestEtcd> {
  const binary = findEtcd();
  const etcdctl = findEtcdTool('etcdctl');
  if (binary === undefined || etcdctl === undefined) {
    throw new Error('these tests need etcd and etcdctl: run `npm test`, which installs them');
  }
  const folder = tempFolder('weft-etcd-');
  let generation = 0;
  const clientPort = await freePort(host);
  const endpoint = addressText(host, clientPort);
  const logFile = join(folder.path, 'etcd.log');
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
      peerPort: await freePort(host),
      logFile,
    });
    const probe = etcdProbe(endpoint);
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
    async ctl(...args) {
      const { stdout } = await promisify(execFile)(etcdctl, args, {
        env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint },
      });
      return stdout;
    },
    stop: () => stop(),
    kill: () => stop(0),
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
