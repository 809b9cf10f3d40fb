import { messageOf } from '../errors.ts';
import { type EtcdOptions, type EtcdProcess, startEtcd } from '../etcd/etcd-process.ts';
import { boundLog } from './log-file.ts';
import type { ManagedProcess } from './managed-process.ts';
import { freePort } from './ports.ts';

/** Starts our own etcd as a process that a slot can run. The port for other members is any free one. */
export function startEtcdChild(options: Omit<EtcdOptions, 'peerPort'>): ManagedProcess {
  boundLog(options.logFile);
  let etcd: EtcdProcess | undefined;
  const starting = freePort(options.host).then((peerPort) => startEtcd({ ...options, peerPort }));
  const exited = starting.then(
    async (started) => {
      etcd = started;
      return started.exited;
    },
    (error: unknown) => messageOf(error),
  );
  return {
    get pid() {
      return etcd?.pid;
    },
    exited,
    terminate(graceMs) {
      // One that does not start ends by itself, and a failure to stop shows as `exited` not coming.
      starting.then((started) => started.stop(graceMs)).catch(() => {});
    },
  };
}
