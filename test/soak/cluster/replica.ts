import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../../orchestrator/src/process/child.ts';
import { lastLines } from '../../../orchestrator/src/process/log-file.ts';
import type { ManagedProcess } from '../../../orchestrator/src/process/managed-process.ts';
import { addressText, freePort } from '../../../orchestrator/src/process/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { createTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const host = '127.0.0.1';
const READY_MS = 30_000;

export interface ReplicaOptions {
  readonly index: number;
  /** Program and flags of a registry; its port and etcd are added. */
  readonly command: readonly string[];
  /** `host:port` of etcd. */
  readonly etcd: string;
  /** Folder for its logs. */
  readonly folder: string;
  /** Told when it ended though nobody ended it, with the last it logged. */
  readonly onDeath: (lastWords: string) => void;
}

/** One replica of the registry in a process of its own, with a link to each side that can break. */
export class Replica {
  readonly index: number;
  readonly toEtcd: TcpProxy;
  readonly toClients: TcpProxy;
  readonly #options: ReplicaOptions;
  readonly #port: number;
  #process: ManagedProcess | undefined;
  #starts = 0;

  private constructor(
    options: ReplicaOptions,
    port: number,
    links: { toEtcd: TcpProxy; toClients: TcpProxy },
  ) {
    this.index = options.index;
    this.#options = options;
    this.#port = port;
    this.toEtcd = links.toEtcd;
    this.toClients = links.toClients;
  }

  static async start(options: ReplicaOptions): Promise<Replica> {
    const port = await freePort(host);
    const toEtcd = await createTcpProxy(options.etcd);
    const toClients = await createTcpProxy(addressText(host, port));
    const replica = new Replica(options, port, { toEtcd, toClients });
    replica.spawn();
    return replica;
  }

  /** Where clients reach it, over the link. */
  get address(): string {
    return this.toClients.address;
  }

  /** Starts the process; `ready` tells when it serves. */
  spawn(): void {
    const { command, folder, onDeath } = this.#options;
    this.#starts += 1;
    const flags = ['--store', 'etcd', '--etcd', this.toEtcd.address, '--port', `${this.#port}`];
    const child = startChild({
      command: [...command, ...flags],
      folder,
      environment: { ETCD_ENDPOINTS: undefined },
      logFile: this.#logFile,
    });
    this.#process = child;
    child.exited.then((reason) => {
      if (this.#process !== child) return;
      onDeath([reason, ...lastLines(this.#logFile, 20)].join('\n'));
    });
  }

  /** Resolves once it has read its store and serves. */
  ready(): Promise<void> {
    const check = () => {
      if (readFileSync(this.#logFile, 'utf8').includes('registry ready on')) return;
      throw new Error(`replica ${this.index}: ${lastLines(this.#logFile, 20).join('\n')}`);
    };
    return eventually(check, { withinMs: READY_MS, everyMs: 50 });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    child?.terminate(0);
    await child?.exited;
  }

  /** SIGSTOP; the answer is SIGCONT. */
  freeze(): () => void {
    const pid = this.#process?.pid;
    if (pid === undefined) return () => {};
    process.kill(pid, 'SIGSTOP');
    return () => process.kill(pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.kill();
    await this.toClients.close();
    await this.toEtcd.close();
  }

  get #logFile(): string {
    return join(this.#options.folder, `replica-${this.index}-${this.#starts}.log`);
  }
}
