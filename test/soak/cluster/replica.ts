import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../../orchestrator/src/process/child.ts';
import { lastLines } from '../../../orchestrator/src/process/log-file.ts';
import type { ManagedProcess } from '../../../orchestrator/src/process/managed-process.ts';
import { eventually } from '../../support/eventually.ts';
import { createTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const NOBODY = '127.0.0.1:1';
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
  /** Leads to the process, which has another port each time that it is started. */
  readonly toClients: TcpProxy;
  readonly #options: ReplicaOptions;
  #process: ManagedProcess | undefined;
  #starts = 0;

  private constructor(options: ReplicaOptions, toEtcd: TcpProxy, toClients: TcpProxy) {
    this.index = options.index;
    this.#options = options;
    this.toEtcd = toEtcd;
    this.toClients = toClients;
  }

  /** Resolves once it listens. */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const toEtcd = await createTcpProxy(options.etcd);
    const replica = new Replica(options, toEtcd, await createTcpProxy(NOBODY));
    await replica.spawn();
    return replica;
  }

  /** Where clients reach it, over the link. */
  get address(): string {
    return this.toClients.address;
  }

  /** Starts the process; resolves once it listens. */
  async spawn(): Promise<void> {
    const { command, folder, onDeath } = this.#options;
    this.#starts += 1;
    const logFile = this.#logFile;
    const flags = [
      '--store',
      'etcd',
      '--etcd',
      this.toEtcd.address,
      '--port',
      '0',
      '--http-port',
      'off',
    ];
    const child = startChild({
      command: [...command, ...flags],
      folder,
      environment: { ETCD_ENDPOINTS: undefined },
      logFile,
    });
    this.#process = child;
    child.exited.then((reason) => {
      if (this.#process !== child) return;
      onDeath([reason, ...lastLines(logFile, 20)].join('\n'));
    });
    this.toClients.redirect(await this.#logged(/(?:"address":"|registry ready on )([\d.:]+)/));
  }

  /** Resolves once it has read its store and serves. */
  async ready(): Promise<void> {
    await this.#logged(/registry ready on ([\d.:]+)/);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    // Its port may be someone else's in a moment.
    this.toClients.redirect(NOBODY);
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

  /** Waits until the process has logged something; answers the part in brackets. */
  #logged(pattern: RegExp): Promise<string> {
    const logFile = this.#logFile;
    const look = () => {
      const [, found] = pattern.exec(readFileSync(logFile, 'utf8')) ?? [];
      if (found !== undefined) return found;
      throw new Error(`replica ${this.index}: ${lastLines(logFile, 20).join('\n')}`);
    };
    return eventually(look, { withinMs: READY_MS, everyMs: 50 });
  }
}
