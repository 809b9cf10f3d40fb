import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { createTestEtcd, type TestEtcd } from '../../support/etcd.ts';
import type { LeaseArmSpec } from '../processes/lease-client.ts';
import { endWorkers, Worker } from './processes.ts';

/** What a bench of a registry on etcd plays on: one etcd, one registry on it, clients of both. */
export class EtcdStage {
  readonly etcd: TestEtcd;
  readonly #workers = new Set<Worker>();
  #registry: { worker: Worker; address: string } | undefined;

  private constructor(etcd: TestEtcd) {
    this.etcd = etcd;
  }

  /** Runs `play` on a stage of its own, and clears it on every way out. */
  static async use<T>(play: (stage: EtcdStage) => Promise<T>): Promise<T> {
    const stage = new EtcdStage(await createTestEtcd());
    try {
      return await play(stage);
    } finally {
      await endWorkers(stage.#workers);
      await stage.etcd.close();
    }
  }

  /** The process of the registry, and its address; started when it is first asked for. */
  async registry(): Promise<{ worker: Worker; address: string }> {
    if (this.#registry === undefined) {
      const worker = this.startRegistry();
      const address = await worker.ask<string>('start', { etcd: this.etcd.endpoint });
      this.#registry = { worker, address };
    }
    return this.#registry;
  }

  /** Starts a client, a process of its own, of the registry or of etcd itself. */
  async client(kind: LeaseArmSpec['kind']): Promise<Worker> {
    const worker = this.start('processes/lease-client.ts');
    const address = kind === 'etcd' ? this.etcd.endpoint : (await this.registry()).address;
    const spec: LeaseArmSpec = { kind, address };
    await worker.ask('open', spec);
    return worker;
  }

  /** How etcd runs here: what a write costs is for the most part what its disk takes to sync. */
  async setup(): Promise<string> {
    const folder = tmpdir();
    const { stdout } = await promisify(execFile)('df', ['-P', folder]);
    const [device] = stdout.trim().split('\n').at(-1)?.split(/\s+/) ?? [];
    const version = await this.etcd.ctl('version');
    const [, number] = /etcdctl version: (\S+)/.exec(version) ?? [];
    return `etcd ${number}, one member, fsync on, data in ${folder} on ${device}; raw: etcd3 in a process of its own on the same etcd`;
  }

  /** Starts a process for one more registry; see `processes/registry.ts`. */
  startRegistry(): Worker {
    return this.start('processes/registry.ts', ['--expose-gc']);
  }

  /** Starts a process of a file under test/bench. */
  start(file: string, nodeArgs: readonly string[] = []): Worker {
    const worker = new Worker(file, [], nodeArgs);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }
}
