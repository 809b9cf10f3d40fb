import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findEtcd, findEtcdTool } from '../../orchestrator/src/etcd/etcd-binary.ts';
import { type EtcdProcess, startEtcd } from '../../orchestrator/src/etcd/etcd-process.ts';
import { tempFolder } from './temp-folder.ts';

/** A port that is free now; whoever takes it should do so at once. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** A real etcd on ports of its own over a temporary folder. Always `await close()`. */
export interface TestEtcd {
  /** `127.0.0.1:port`; stays the same over stop and start. */
  readonly endpoint: string;
  /** Runs etcdctl against it and answers what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Ends the process and keeps the data. */
  stop(): Promise<void>;
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
  const launch = (clientPort: number, peerPort: number) =>
    startEtcd({
      binary,
      dataDir: join(folder.path, `data-${generation}`),
      host: '127.0.0.1',
      clientPort,
      peerPort,
      logFile: join(folder.path, 'etcd.log'),
    });
  const clientPort = await freePort();
  let process_: EtcdProcess = await launch(clientPort, await freePort());
  const endpoint = process_.endpoint;
  return {
    endpoint,
    async ctl(...args) {
      const { stdout } = await promisify(execFile)(etcdctl, args, {
        env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint },
      });
      return stdout;
    },
    stop: () => process_.stop(),
    async start({ wipe = false } = {}) {
      if (wipe) generation += 1;
      process_ = await launch(clientPort, await freePort());
    },
    pause: () => void process.kill(process_.pid, 'SIGSTOP'),
    resume: () => void process.kill(process_.pid, 'SIGCONT'),
    async close() {
      await process_.stop(1000);
      folder[Symbol.dispose]();
    },
  };
}
